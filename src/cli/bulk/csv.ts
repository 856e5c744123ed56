import { type CsvError, parse } from 'csv-parse';
import { VaultError } from '../../domain/errors.ts';
import type { BulkRecord, ReadFrom, RecordFormat } from './record.ts';

/** A cell as it was written: whether in quotes, so that what is not swapped leaves as it came. */
type Cell = { text: string; isQuoted: boolean };

/** csv-parse's `info` beside each record. */
type Parsed = { record: Cell[]; info: { bytes: number } };

const BOM = '\uFEFF';
const MAX_RECORD_BYTES = 4 << 20;

/**
 * Tables with a header line (RFC 4180; other delimiters, either line end). Cells are read as text and
 * written back byte for byte, but for those in `columns`.
 */
export function csvFormat({
  columns,
  delimiter,
}: {
  columns: readonly string[];
  delimiter: string;
}): RecordFormat {
  return {
    open: async (input, from) => {
      const parser = parse({
        delimiter,
        bom: true,
        info: true,
        max_record_size: MAX_RECORD_BYTES,
        // Counted by us: a resumed run begins in the middle, where there is no header to go by.
        relax_column_count: true,
        cast: (text, { quoting }): Cell => ({ text, isQuoted: quoting }),
        // Found out at the header, which a resumed run does not see.
        ...(from !== undefined && { record_delimiter: lineEndOf(from.head) }),
      });
      input.on('error', (error) => parser.destroy(error));
      const rows = input.pipe(parser)[Symbol.asyncIterator]() as AsyncIterator<Parsed>;
      const first = from ?? (await readHead(rows, delimiter));
      const header = headerOf(first.head, delimiter);
      const places = findPlaces(columns, header);
      const shape = { delimiter, width: header.length, places, lineEnd: lineEndOf(first.head) };
      return { head: first.head, records: readRecords(rows, first, shape) };
    },
  };
}

type Shape = { delimiter: string; width: number; places: readonly number[]; lineEnd: string };

async function readHead(rows: AsyncIterator<Parsed>, delimiter: string): Promise<ReadFrom> {
  const { value, done } = await next(rows, 0);
  if (done) throw unreadable('it is empty: a header line was expected');
  const { record, info } = value;
  const line = record.map((cell) => renderCell(cell, delimiter)).join(delimiter);
  // What the line end and the mark at the start were follows from the count of bytes.
  const rest = info.bytes - Buffer.byteLength(line);
  const mark = rest >= 3 ? BOM : '';
  const lineEnd = rest - Buffer.byteLength(mark) === 2 ? '\r\n' : '\n';
  return { offset: 0, number: 0, head: `${mark}${line}${lineEnd}` };
}

/** The names in the header; a table of one line of head has no cell with a line end in its header. */
function headerOf(head: string, delimiter: string): string[] {
  const cells: string[] = [];
  const line = head.replace(BOM, '').replace(/\r?\n$/, '');
  const pattern = /"((?:[^"]|"")*)"|[^"]*/y;
  for (let at = 0; at <= line.length; ) {
    const bare = line.indexOf(delimiter, at);
    if (line[at] === '"') {
      pattern.lastIndex = at;
      const [whole = '', quoted = ''] = pattern.exec(line) ?? [];
      cells.push(quoted.replaceAll('""', '"'));
      at += whole.length + delimiter.length;
    } else {
      const end = bare === -1 ? line.length : bare;
      cells.push(line.slice(at, end));
      at = end + delimiter.length;
    }
  }
  return cells;
}

function lineEndOf(head: string): string {
  return head.endsWith('\r\n') ? '\r\n' : '\n';
}

function findPlaces(columns: readonly string[], header: readonly string[]): number[] {
  return columns.map((column) => {
    const place = header.indexOf(column);
    if (place === -1) throw unreadable(`it has no column ${column}`);
    if (header.lastIndexOf(column) !== place) throw unreadable(`it has two columns ${column}`);
    return place;
  });
}

async function* readRecords(
  rows: AsyncIterator<Parsed>,
  from: ReadFrom,
  shape: Shape,
): AsyncGenerator<BulkRecord> {
  const { places, width, delimiter, lineEnd } = shape;
  let { number } = from;
  for (;;) {
    const { value, done } = await next(rows, number + 1);
    if (done) return;
    const { record: cells, info } = value;
    number += 1;
    if (cells.length !== width) {
      throw unreadable(`record ${number} has ${cells.length} cells, the header ${width}`);
    }
    yield {
      endAt: from.offset + info.bytes,
      number,
      // Nothing in a cell is no value: it stays nothing.
      values: places.map((place) => cells[place]?.text || undefined),
      render: (replacements) => {
        const written = cells.map((cell) => renderCell(cell, delimiter));
        for (const [index, place] of places.entries()) {
          const text = replacements[index];
          const { isQuoted = false } = cells[place] ?? {};
          if (text !== undefined) written[place] = renderCell({ text, isQuoted }, delimiter);
        }
        return written.join(delimiter) + lineEnd;
      },
    };
  }
}

function renderCell({ text, isQuoted }: Cell, delimiter: string): string {
  const needsQuotes = isQuoted || text.includes(delimiter) || /["\r\n]/.test(text);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}

async function next(
  rows: AsyncIterator<Parsed>,
  number: number,
): Promise<{ done: true; value?: undefined } | { done: false; value: Parsed }> {
  try {
    const { value, done } = await rows.next();
    return done ? { done } : { done: false, value };
  } catch (cause) {
    // The parser's own text quotes the record. It reads ahead: the number is a hint.
    const { code } = cause as CsvError;
    throw unreadable(`near record ${number} it is no such table (${code})`, cause);
  }
}

function unreadable(what: string, cause?: unknown): VaultError {
  return new VaultError('invalid_request', { cause, detail: `The table cannot be read: ${what}.` });
}
