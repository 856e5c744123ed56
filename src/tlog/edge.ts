import { foldPerfect, foldSubtrees, HASH_BYTES } from './hash.ts';
import { checkNumber } from './numbers.ts';
import { hashesAtLevel, openTileWidths, TILE_BYTES } from './tile.ts';
import { TlogError } from './tlog-error.ts';

/** All that must be kept to go on appending: the size, and the open tile of each level (level 0 first). */
export type EdgeState = { size: number; openTiles: readonly Uint8Array[] };

/** A tile that became full: 8,192 bytes that will never change. */
export type FullTile = { level: number; index: number; hashes: Buffer };

/** The right edge of a growing tree. Not to be shared: one caller appends, in order. */
export type Edge = {
  /** Leaves so far. */
  size(): number;
  /**
   * Appends leaf hashes that lie one behind the other (as `hashLeaves` gives them) and returns the
   * tiles that became full, those below before those above. Appends all or, when their length is no
   * multiple of 32 (`hash_invalid`) or the tree would exceed 2^53 - 1 leaves (`number_invalid`), none.
   */
  append(leafHashes: Uint8Array): FullTile[];
  /** The root of the tree as it is now (RFC 6962 §2.1): at most 255 node hashes for each level. */
  root(): Buffer;
  /** A copy of the state, for `makeEdge`. Each open tile is also the partial tile to be served. */
  state(): EdgeState;
};

type OpenTile = { level: number; completed: number; hashes: Buffer; usedBytes: number };

/**
 * The appender of a tree, empty or taken up from stored state. Throws `edge_invalid` when the open
 * tiles are not of the widths that a tree of this size has; that they hold the right hashes is only
 * known by comparing `root()` with a signed one.
 */
export function makeEdge(state: EdgeState = { size: 0, openTiles: [] }): Edge {
  const open = resume(state);
  let { size } = state;

  function complete(tile: OpenTile, full: FullTile[]): void {
    const { level, hashes } = tile;
    full.push({ level, index: tile.completed, hashes });
    tile.completed += 1;
    // The full one belongs to the caller now.
    tile.hashes = Buffer.alloc(TILE_BYTES);
    tile.usedBytes = 0;
    // One level up for each 256 hashes: seven levels reach 2^53, so this is no deep recursion.
    fill({ level: level + 1, hashes: foldPerfect(hashes), full });
  }

  function fill({ level, hashes, full }: { level: number; hashes: Uint8Array; full: FullTile[] }) {
    open[level] ??= { level, completed: 0, hashes: Buffer.alloc(TILE_BYTES), usedBytes: 0 };
    const tile = open[level];
    let done = 0;
    while (done < hashes.length) {
      const end = Math.min(hashes.length, done + TILE_BYTES - tile.usedBytes);
      tile.hashes.set(hashes.subarray(done, end), tile.usedBytes);
      tile.usedBytes += end - done;
      done = end;
      if (tile.usedBytes === TILE_BYTES) {
        complete(tile, full);
      }
    }
  }

  return {
    size: () => size,
    append(leafHashes) {
      const count = leafHashes.length / HASH_BYTES;
      if (!Number.isInteger(count)) {
        throw new TlogError('hash_invalid');
      }
      checkNumber(size + count);
      const full: FullTile[] = [];
      fill({ level: 0, hashes: leafHashes, full });
      size += count;
      return full;
    },
    root: () => foldSubtrees(open.toReversed().flatMap(subtreeRoots)),
    state: () => ({ size, openTiles: open.map((tile) => Buffer.from(used(tile))) }),
  };
}

function resume({ size, openTiles }: EdgeState): OpenTile[] {
  const widths = openTileWidths(size);
  const fits = (tile: Uint8Array, level: number) =>
    tile.length === (widths[level] ?? 0) * HASH_BYTES;
  if (openTiles.length < widths.length || !openTiles.every(fits)) {
    throw new TlogError('edge_invalid');
  }
  return openTiles.map((tile, level) => {
    const hashes = Buffer.alloc(TILE_BYTES);
    hashes.set(tile);
    const completed = hashesAtLevel(size, level + 1);
    return { level, completed, hashes, usedBytes: tile.length };
  });
}

const used = ({ hashes, usedBytes }: OpenTile) => hashes.subarray(0, usedBytes);

/** Roots of the perfect subtrees that the open tile consists of, left to right: widest first. */
function subtreeRoots(tile: OpenTile): Buffer[] {
  const roots: Buffer[] = [];
  let rest: Uint8Array = used(tile);
  for (let width = TILE_BYTES / 2; rest.length > 0; width /= 2) {
    if (rest.length >= width) {
      roots.push(foldPerfect(rest.subarray(0, width)));
      rest = rest.subarray(width);
    }
  }
  return roots;
}
