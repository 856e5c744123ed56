import { decodeBundle } from '../tlog/bundle.ts';
import { makeEdge } from '../tlog/edge.ts';
import { HASH_BYTES, hashLeaves } from '../tlog/hash.ts';
import { TILE_WIDTH, type TileId, tileWidth } from '../tlog/tile.ts';
import { formatTilePath } from '../tlog/tile-path.ts';
import type { Findings } from './findings.ts';
import type { LogSource } from './source.ts';

/** Neighbouring entries: those of one bundle. `entries` is absent when the bundle is missing or malformed. */
export type Block = { first: number; width: number; entries: readonly Buffer[] | undefined };

/** Counts what was compared; `complete` once every hash of the tree was there. */
export type TreeTally = { hashed: number; tiles: number; complete: boolean };

type Walk = {
  source: Pick<LogSource, 'tile' | 'bundle'>;
  size: number;
  root: Buffer;
  findings: Findings;
  tally: TreeTally;
};

/**
 * Goes through the tree from left to right with one block in memory: hashes the entries of each bundle,
 * compares them with the level-0 tile, builds every tile above out of those below, compares it, and at the
 * end the root. Ends early when neither tile nor bundle is there: nothing to the right can be placed then.
 */
export async function* walkTree(walk: Walk): AsyncGenerator<Block> {
  const { size, root, findings, tally } = walk;
  const edge = makeEdge();
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    const tile = { level: 0, index, width: tileWidth({ level: 0, index, size }) };
    const { hashes, entries } = await readBlock(walk, tile);
    if (hashes === undefined) {
      return;
    }
    for (const full of edge.append(hashes)) {
      await compareTile(walk, { ...full, width: TILE_WIDTH }, full.hashes);
    }
    yield { first: index * TILE_WIDTH, width: tile.width, entries };
  }
  for (const [level, hashes] of edge.state().openTiles.entries()) {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    await compareTile(walk, { level, index, width: hashes.length / HASH_BYTES }, hashes);
  }
  tally.complete = true;
  if (!edge.root().equals(root)) {
    findings.add('root_wrong', `size ${size}`);
  }
}

/** One bundle and its level-0 tile, compared when both are there. */
async function readBlock(walk: Walk, tile: TileId) {
  const { findings, tally } = walk;
  const [stored, entries] = await Promise.all([readTile(walk, tile), readEntries(walk, tile)]);
  const computed = entries === undefined ? undefined : hashLeaves(entries);
  tally.tiles += stored === undefined ? 0 : 1;
  if (stored !== undefined && computed !== undefined) {
    tally.hashed += tile.width;
    reportDifferences({ stored, computed, first: tile.index * TILE_WIDTH, findings });
  }
  // What the tile says is what the root speaks of; without a tile the entries speak for themselves.
  return { hashes: stored ?? computed, entries };
}

/** Compares a tile above level 0, if there is one, with what the tiles below it make. */
async function compareTile(walk: Walk, tile: TileId, expected: Uint8Array): Promise<void> {
  if (tile.level === 0 || tile.width === 0) {
    return;
  }
  const stored = await readTile(walk, tile);
  if (stored === undefined) {
    return;
  }
  walk.tally.tiles += 1;
  if (!stored.equals(expected)) {
    walk.findings.add('tile_wrong', formatTilePath(tile));
  }
}

async function readTile({ source, findings }: Walk, tile: TileId): Promise<Buffer | undefined> {
  const bytes = await source.tile(tile);
  if (bytes === undefined) {
    findings.add('tile_missing', formatTilePath(tile));
    return;
  }
  if (bytes.length !== tile.width * HASH_BYTES) {
    findings.add('tile_malformed', formatTilePath(tile));
    return;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function readEntries(
  { source, findings }: Walk,
  { index, width }: TileId,
): Promise<Buffer[] | undefined> {
  const bytes = await source.bundle({ index, width });
  try {
    return bytes === undefined ? undefined : decodeBundle(bytes, width);
  } catch {
    findings.add('bundle_malformed', formatTilePath({ level: 'entries', index, width }));
    return;
  }
}

function reportDifferences(options: {
  stored: Buffer;
  computed: Buffer;
  first: number;
  findings: Findings;
}): void {
  const { stored, computed, first, findings } = options;
  if (stored.equals(computed)) {
    return;
  }
  for (let offset = 0; offset < stored.length; offset += HASH_BYTES) {
    if (stored.compare(computed, offset, offset + HASH_BYTES, offset, offset + HASH_BYTES) !== 0) {
      findings.add('entry_wrong', `entry ${first + offset / HASH_BYTES}`);
    }
  }
}
