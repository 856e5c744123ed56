import type { Readable } from 'node:stream';
import { VaultError } from '../../domain/errors.ts';
import type { BulkRecord, RecordFormat } from './record.ts';

const MAX_LINE_BYTES = 4 << 20;
const NEWLINE = 0x0a;

/** A number that JavaScript would round keeps the digits that it came with. */
type RawJson = { rawJSON: string };
declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
  }
}

/** One JSON value a line; `paths` lead to the texts to swap: `customer.email`, `contacts.0.phone`. */
export function ndjsonFormat({ paths }: { paths: readonly string[] }): RecordFormat {
  const steps = paths.map((path) => path.split('.'));
  return {
    open: async (input, from) => ({ head: '', records: readRecords(input, from, steps) }),
  };
}

async function* readRecords(
  input: Readable,
  from: { offset: number; number: number } = { offset: 0, number: 0 },
  steps: readonly (readonly string[])[],
): AsyncGenerator<BulkRecord> {
  let { offset, number } = from;
  for await (const { line, bytes } of linesOf(input)) {
    number += 1;
    offset += bytes;
    // A line without anything on it is no record, but it leaves as it came.
    const root = line.trim() === '' ? undefined : parseLine(line, number);
    const holders = steps.map((path) => findHolder(root, path));
    yield {
      endAt: offset,
      number,
      values: holders.map((holder) => textAt(holder, number)),
      render: (replacements) => {
        for (const [index, text] of replacements.entries()) {
          const holder = holders[index];
          if (text !== undefined && holder !== undefined) holder.parent[holder.key] = text;
        }
        return root === undefined ? `${line}\n` : `${JSON.stringify(root)}\n`;
      },
    };
  }
}

async function* linesOf(input: Readable): AsyncGenerator<{ line: string; bytes: number }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, start)) {
      yield { line: decode(rest.subarray(start, end)), bytes: end + 1 - start };
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw unreadable('a line is longer than 4 MiB');
  }
  if (rest.length > 0) yield { line: decode(rest), bytes: rest.length };
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw unreadable('it is not UTF-8', cause);
  }
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line, (_key, value, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined
        ? JSON.rawJSON(context.source)
        : value,
    );
  } catch (cause) {
    throw unreadable(`line ${number} is not JSON`, cause);
  }
}

type Holder = { parent: Record<string, unknown>; key: string };

/** The object or list that holds the last step of the path; own members only. */
function findHolder(root: unknown, path: readonly string[]): Holder | undefined {
  let parent = root;
  for (const step of path.slice(0, -1)) {
    parent = isHolder(parent) && Object.hasOwn(parent, step) ? parent[step] : undefined;
  }
  const key = path.at(-1) ?? '';
  return isHolder(parent) && Object.hasOwn(parent, key) ? { parent, key } : undefined;
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Only text is swapped: a number would come back as text, which is another record than the one before. */
function textAt(holder: Holder | undefined, number: number): string | undefined {
  const value = holder?.parent[holder.key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw unreadable(`line ${number} has something else than text in a place to swap`);
}

function unreadable(what: string, cause?: unknown): VaultError {
  return new VaultError('invalid_request', {
    cause,
    detail: `The lines cannot be read: ${what}.`,
  });
}
