import { sliceBundle } from '../tlog/bundle.ts';
import { HASH_BYTES } from '../tlog/hash.ts';
import { TILE_WIDTH } from '../tlog/tile.ts';
import { formatTilePath, type TilePath } from '../tlog/tile-path.ts';
import type { EntryDisclosures, ErasureRecord, LogSource, Statement } from './source.ts';

/** The files of an exported shard, by path below its folder. */
export type LogFiles = {
  /** The bytes of a file; `undefined` when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The lines of a file that may be large. Only of files that `list` gave. */
  lines(path: string): AsyncIterable<string>;
  /** This path when it is a file; of a folder (ends in a slash) its files, in order of their names. */
  list(path: string): Promise<string[]>;
};

/**
 * Reads an exported shard (AUDIT-LOG §4.7): `checkpoint`, `tile/…`, and, where they are, `shard.json`,
 * `disclosures.jsonl` or `disclosures/*.jsonl`, `erasures.jsonl`. A folder with a `shard.json` is an export, and
 * has to have its disclosures; one without it may be a copy of the public part. The `policy` in it is not
 * read: whom to believe is not for the log to say.
 */
export async function openFileSource(files: LogFiles): Promise<LogSource> {
  const disclosures = [
    ...(await files.list('disclosures.jsonl')),
    ...(await files.list('disclosures/')),
  ];
  const isExport = (await files.list('shard.json')).length > 0;
  const source: LogSource = {
    checkpoint: () => files.read('checkpoint'),
    tile: (tile) => readWidest(files, tile, (bytes) => bytes.subarray(0, tile.width * HASH_BYTES)),
    bundle: (bundle) =>
      readWidest(files, { level: 'entries', ...bundle }, (bytes) => cut(bytes, bundle.width)),
    erasures: () => collect(readLines(files, ['erasures.jsonl'], readErasure)),
    ...(isExport && { statement: async () => readStatement(await files.read('shard.json')) }),
  };
  return isExport || disclosures.length > 0
    ? { ...source, disclosures: () => readLines(files, disclosures, readDisclosures) }
    : source;
}

/** A partial tile or bundle, or what a wider version of it begins with (tlog-tiles). */
async function readWidest(
  files: Pick<LogFiles, 'read'>,
  path: TilePath,
  cutWider: (bytes: Uint8Array) => Uint8Array,
): Promise<Uint8Array | undefined> {
  const exact = await files.read(formatTilePath(path));
  if (exact !== undefined || path.width === TILE_WIDTH) {
    return exact;
  }
  const wider = await files.read(formatTilePath({ ...path, width: TILE_WIDTH }));
  return wider && cutWider(wider);
}

/** What cannot be cut is left as it is: the check will name it. */
function cut(bundle: Uint8Array, width: number): Uint8Array {
  try {
    return sliceBundle(bundle, width);
  } catch {
    return bundle;
  }
}

async function* readLines<T>(
  files: LogFiles,
  paths: readonly string[],
  readLine: (members: Record<string, unknown>) => T,
): AsyncGenerator<T> {
  for (const path of paths) {
    if ((await files.list(path)).length === 0) continue;
    for await (const line of files.lines(path)) {
      if (line !== '') yield readLine(readMembers(line));
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function readDisclosures({ index, who, what }: Record<string, unknown>): EntryDisclosures {
  return {
    // No entry has a negative index, so a line that cannot be read is found to belong to none.
    index: isCount(index) ? index : -1,
    ...(typeof who === 'string' && { who }),
    ...(typeof what === 'string' && { what }),
  };
}

function readErasure(members: Record<string, unknown>): ErasureRecord {
  const { event, label, indexes, receipt } = members;
  return {
    event: String(event),
    ...((label === 'who' || label === 'what') && { label }),
    ...(Array.isArray(indexes) && indexes.every(isCount) && { indexes }),
    ...(typeof receipt === 'string' && { receipt }),
  };
}

function readStatement(bytes: Uint8Array | undefined): Statement | undefined {
  if (bytes === undefined) {
    return;
  }
  const { shard, origin, size, minIndex } = readMembers(Buffer.from(bytes).toString());
  return {
    shard: String(shard),
    origin: String(origin),
    size: Number(size),
    minIndex: Number(minIndex),
  };
}

function readMembers(text: string): Record<string, unknown> {
  try {
    return { ...(JSON.parse(text) as object) } as Record<string, unknown>;
  } catch {
    return {};
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
