import { readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import { TILE_WIDTH, tilesOf } from '../../tlog/tile.ts';
import { formatTilePath } from '../../tlog/tile-path.ts';
import { openEvent, storedEvents } from './events.ts';
import { type Explanation, explanationsElsewhere } from './explanations.ts';
import type { ExportDeps, ExportRequest } from './request.ts';

/** A file of an exported log. Its size is known before its bytes are read. */
export type LogFile = { path: string } & (
  | { bytes: Buffer }
  | { size: number; chunks: () => AsyncIterable<Buffer> }
);

type Input = Pick<ExportRequest, 'shard' | 'checkpoint'>;

/**
 * The files of a shard as a static log (C2SP tlog-tiles), as of the checkpoint: signed checkpoint, hash tiles
 * and entry bundles of exactly its size; beside them what is left of the disclosures, what explains where they
 * are gone, and a policy that names the log's keys.
 */
export async function* logFiles(deps: ExportDeps, input: Input): AsyncGenerator<LogFile> {
  const { shard, checkpoint } = input;
  yield { path: 'checkpoint', bytes: Buffer.from(checkpoint.note) };
  yield { path: 'shard.json', bytes: jsonLine(describeShard(input)) };
  yield* tileFiles(deps, input);
  yield* bundleFiles(deps, input);
  yield await disclosuresFile(deps, input);
  // Behind the disclosures: what was erased while they were read must be on the list.
  const elsewhere = await explanationsElsewhere(deps.reader, shard);
  yield { path: 'erasures.jsonl', bytes: await erasureLines(deps, input, elsewhere) };
  const origins = new Set([shard.origin, ...elsewhere.map(({ origin }) => origin)]);
  yield { path: 'policy', bytes: await policyText(deps, origins) };
}

function describeShard({ shard, checkpoint }: Input): object {
  const { origin, minIndex } = shard;
  return { shard: shard.shard, origin, size: checkpoint.size, minIndex };
}

/**
 * Which keys sign for the shard, and for those whose receipts are there (C2SP tlog-policy). Who verifies takes
 * a policy of their own.
 */
async function policyText({ vkeysOf }: ExportDeps, origins: Iterable<string>): Promise<Buffer> {
  const keys = await Promise.all([...origins].map(vkeysOf));
  return Buffer.from([...keys.flat().map((vkey) => `log ${vkey}`), 'quorum none', ''].join('\n'));
}

async function* tileFiles({ reader }: ExportDeps, { shard, checkpoint }: Input) {
  for (const tile of tilesOf(checkpoint.size)) {
    const path = formatTilePath(tile);
    const bytes = await reader.tile(shard.logId, tile);
    if (bytes === undefined) {
      throw missing(shard.origin, path);
    }
    yield { path, bytes };
  }
}

async function* bundleFiles({ reader }: ExportDeps, { shard, checkpoint }: Input) {
  for (const { level, index, width } of tilesOf(checkpoint.size)) {
    if (level > 0) {
      return;
    }
    const path = formatTilePath({ level: 'entries', index, width });
    const bytes = await reader.bundle(shard.logId, { index, width });
    const isPruned = index * TILE_WIDTH < shard.minIndex;
    if (bytes === undefined && !isPruned) {
      throw missing(shard.origin, path);
    }
    if (bytes !== undefined) {
      yield { path, bytes };
    }
  }
}

/**
 * One line an entry that has any left. A tar header tells the size first, so everything is opened twice: once
 * to count. What is erased or pruned between leaves the second pass shorter; empty lines fill it up.
 */
async function disclosuresFile(deps: ExportDeps, input: Input): Promise<LogFile> {
  let size = 0;
  for await (const lines of disclosureLines(deps, input)) {
    size += lines.length;
  }
  return {
    path: 'disclosures.jsonl',
    size,
    chunks: () => filled(disclosureLines(deps, input), size),
  };
}

async function* disclosureLines(deps: ExportDeps, input: Input): AsyncGenerator<Buffer> {
  for await (const slice of storedEvents(deps, input)) {
    const lines: Buffer[] = [];
    for (const stored of slice) {
      const leaf = readLeaf(stored.leaf);
      // An entry that somebody else wrote vouches for nothing; the bundle has it, and a verifier names it.
      const opened = leaf && (await openEvent(deps.keysets, { stored, leaf, shard: '' }));
      if (opened?.disclosures.who !== undefined || opened?.disclosures.what !== undefined) {
        lines.push(jsonLine({ index: stored.index, ...opened.disclosures }));
      }
    }
    yield Buffer.concat(lines);
  }
}

async function* filled(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let left = size;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) {
      throw new VaultError('internal', { detail: 'disclosures appeared while they were exported' });
    }
    yield chunk;
  }
  yield Buffer.alloc(left, '\n');
}

/** What was erased here, by events of this shard or, with their receipts, of others. */
async function erasureLines(
  { reader }: ExportDeps,
  { shard, checkpoint }: Input,
  elsewhere: readonly Explanation[],
): Promise<Buffer> {
  const erasures = await reader.erasures(shard.logId);
  const lists = erasures.flatMap(({ eventId, label, indexes }) => {
    const exported = indexes.filter((index) => index < checkpoint.size);
    return exported.length === 0 ? [] : [{ event: eventId, label, indexes: exported }];
  });
  const receipts = new Map(elsewhere.map(({ event, receipt }) => [event, receipt]));
  const listed = new Set(lists.map(({ event }) => event));
  return Buffer.concat([
    ...lists.map((list) => jsonLine({ ...list, receipt: receipts.get(list.event) })),
    // Pruning, and the end of a month's key: these have no list.
    ...elsewhere
      .filter(({ event }) => !listed.has(event))
      .map(({ event, receipt }) => jsonLine({ event, receipt })),
  ]);
}

function jsonLine(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function missing(origin: string, path: string): VaultError {
  return new VaultError('internal', { detail: `${path} of ${origin} is missing` });
}
