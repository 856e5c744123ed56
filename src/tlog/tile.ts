import { HASH_BYTES } from './hash.ts';
import { checkNumber } from './numbers.ts';

/** Hashes in a full tile, and entries in a full bundle (tlog-tiles). */
export const TILE_WIDTH = 256;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** Names a tile: hash `i` of it is the root over the leaves [(index·256 + i)·256^level, …+256^level). */
export type TileId = { level: number; index: number; width: number };

/** How many hashes level `level` has in a tree of this size: each is over 256^level leaves. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** How many hashes of a tile a tree of this size has: 0 (no such tile yet) to 256 (full). */
export function tileWidth({
  level,
  index,
  size,
}: Omit<TileId, 'width'> & { size: number }): number {
  const behindIt = hashesAtLevel(size, level) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, behindIt));
}

/**
 * Widths of the open tile of each level, level 0 first, without empty levels at the end. An open
 * tile that is empty exists for the appender only: it must not be served (tlog-tiles).
 */
export function openTileWidths(size: number): number[] {
  checkNumber(size);
  const widths: number[] = [];
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) {
    widths.push(hashesAtLevel(size, level) % TILE_WIDTH);
  }
  return widths;
}

/**
 * All tiles that a tree of this size has, level by level, in order of index; the last of a level may
 * be partial. A partial tile is the first 32·width bytes of every wider version of it. The entry
 * bundles are those of level 0. Throws `number_invalid`.
 */
export function* tilesOf(size: number): Generator<TileId> {
  checkNumber(size);
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) {
    for (let index = 0; index * TILE_WIDTH < hashesAtLevel(size, level); index += 1) {
      yield { level, index, width: tileWidth({ level, index, size }) };
    }
  }
}
