import { z } from 'zod';
import { isKeyLine } from '../crypto/key-transfer.ts';
import { makeRunningDigest } from '../crypto/running-digest.ts';
import { VaultError } from '../domain/errors.ts';
import { DUMP_TABLES, type DumpTable } from '../operations/ports/vault-dump.ts';
import {
  EXPORT_FORMAT,
  type ExportCounts,
  type ExportHeader,
  noCounts,
} from '../operations/vault-export/format.ts';

const NEWLINE = Buffer.from('\n');

const MAX_INT = 2 ** 31 - 1;
const MAX_FIELD = 2 ** 15 - 1;

const headerSchema: z.ZodType<ExportHeader> = z.object({
  format: z.literal(EXPORT_FORMAT),
  vault: z.string(),
  sealId: z.int().min(1).max(MAX_INT),
  schemaVersion: z.int(),
  policy: z.object({ document: z.string(), hash: z.string() }),
  fields: z.array(z.object({ id: z.int().min(1).max(MAX_FIELD), name: z.string() })),
  exportedAt: z.string(),
});

const endSchema = z.object({
  end: z.literal(true),
  counts: z.record(z.string(), z.int()),
  sha256: z.string(),
});

const rowSchema = z.partialRecord(z.enum(DUMP_TABLES), z.record(z.string(), z.unknown()));

/** What a line between the first and the last one is. `key`: for `KeyTransfer.take`, which wipes it. */
export type ExportPart = { key: Buffer } | { table: DumpTable; row: object };

/**
 * Reads an export: its header, then its parts. The iteration of `parts` ends well only behind a last line
 * that holds for all lines before it; then `total` says what they were. Rejects with `internal` and one line
 * for the operator.
 */
export async function readExport(lines: AsyncGenerator<Buffer, void, void>) {
  const digest = makeRunningDigest();
  const add = (line: Buffer) => {
    digest.add(line);
    digest.add(NEWLINE);
  };
  const counts = noCounts();
  const first = await lines.next();
  const header = first.done ? undefined : parse(headerSchema, first.value);
  if (first.done || header === undefined) {
    throw refuse('The file is no export of a vault, or one of another version.');
  }
  add(first.value);
  const parts = async function* (): AsyncGenerator<ExportPart, void, void> {
    for await (const line of lines) {
      const part = partOf(line);
      if (part === undefined) {
        await checkEnd(line, { counts, sha256: digest.hex(), lines });
        return;
      }
      add(line);
      counts['key' in part ? 'key' : part.table] += 1;
      yield part;
    }
    throw refuse('The file is cut off: its last line is missing.');
  };
  return { header, parts: parts(), total: (): ExportCounts => counts };
}

/** `undefined` for what is neither a key nor a row: then it must be the last line. */
function partOf(line: Buffer): ExportPart | undefined {
  if (isKeyLine(line)) return { key: line };
  const [member, ...others] = Object.entries(parse(rowSchema, line) ?? {});
  if (member === undefined || others.length > 0) return undefined;
  const [table, row] = member;
  return { table: table as DumpTable, row };
}

async function checkEnd(
  line: Buffer,
  read: { counts: ExportCounts; sha256: string; lines: AsyncGenerator<Buffer, void, void> },
): Promise<void> {
  const end = parse(endSchema, line);
  const isWhole =
    end !== undefined &&
    end.sha256 === read.sha256 &&
    Object.entries(read.counts).every(([name, count]) => end.counts[name] === count);
  if (!isWhole || !(await read.lines.next()).done) {
    throw refuse('The file is no whole export: its last line does not fit the others.');
  }
}

function parse<T>(schema: z.ZodType<T>, line: Buffer): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function refuse(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
