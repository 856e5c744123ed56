import { foldPerfect, foldSubtrees, HASH_BYTES } from './hash.ts';
import { checkNumber, splitPoint } from './numbers.ts';
import { TILE_WIDTH, type TileId, tileWidth } from './tile.ts';
import { TlogError } from './tlog-error.ts';

/** Gives at least the first `width` hashes of a tile: a wider version of the tile does as well. */
export type ReadTile = (tile: TileId) => Uint8Array | Promise<Uint8Array>;

/** Makes proofs in a tree of one size. Nothing is checked against a signature: verifiers do that. */
export type Prover = {
  /** The root hash. */
  root(): Promise<Buffer>;
  /** PATH(index, D[size]): the leaf's sibling first (RFC 6962 §2.1.1). Throws `number_invalid` outside the tree. */
  inclusion(index: number): Promise<Buffer[]>;
  /**
   * PROOF(oldSize, D[size]) (RFC 6962 §2.1.2); empty for the sizes 0 and `size`, where nothing need be
   * proved. Throws `number_invalid` beyond the tree.
   */
  consistency(oldSize: number): Promise<Buffer[]>;
};

/** Leaves [start, end). */
type Range = { start: number; end: number };

/** Neighbouring hashes of one tile, a power of two of them: together the root of a perfect subtree. */
type Slice = { level: number; first: number; count: number };

/**
 * The prover of the tree of this size. Each proof first works out which tiles it needs (a few per
 * level), reads each of them once and all together, then hashes. Throws `number_invalid`; a tile that
 * is too short throws `tile_invalid`, and what `readTile` throws passes through.
 */
export function makeProver({ size, readTile }: { size: number; readTile: ReadTile }): Prover {
  checkNumber(size);

  async function hashRanges(ranges: readonly Range[]): Promise<Buffer[]> {
    const plan = ranges.map(slicesOf);
    const tiles = await readTiles({ slices: plan.flat(), size, readTile });
    return plan.map((slices) => foldSubtrees(slices.map((slice) => sliceRoot(slice, tiles))));
  }

  return {
    async root() {
      const [root] = await hashRanges([{ start: 0, end: size }]);
      return root ?? foldSubtrees([]);
    },
    async inclusion(index) {
      checkNumber(index, { max: size - 1 });
      return await hashRanges(inclusionRanges(index, size));
    },
    async consistency(oldSize) {
      checkNumber(oldSize, { max: size });
      return await hashRanges(oldSize === 0 ? [] : consistencyRanges(oldSize, size));
    },
  };
}

/** The subtrees beside the way from the root to a leaf, lowest first. */
function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** SUBPROOF as a loop: the way from the root to the right edge of the old tree, lowest first. */
function consistencyRanges(oldSize: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end !== oldSize) {
    const middle = start + splitPoint(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // A subtree that starts at 0 here is the whole old tree, whose root the verifier has.
  if (start > 0) {
    ranges.push({ start, end });
  }
  return ranges.reverse();
}

/** Cuts a range of a proof into perfect subtrees, widest first, and finds each in its tile. */
function slicesOf({ start, end }: Range): Slice[] {
  const slices: Slice[] = [];
  let position = start;
  while (position < end) {
    let [level, count] = [0, 1];
    while (count * 2 * TILE_WIDTH ** level <= end - position) {
      count *= 2;
      if (count === TILE_WIDTH) {
        level += 1;
        count = 1;
      }
    }
    slices.push({ level, first: position / TILE_WIDTH ** level, count });
    position += count * TILE_WIDTH ** level;
  }
  return slices;
}

const tileIndex = ({ first }: Slice) => Math.floor(first / TILE_WIDTH);
const tileKey = (slice: Slice) => `${slice.level}/${tileIndex(slice)}`;

async function readTiles(options: {
  slices: readonly Slice[];
  size: number;
  readTile: ReadTile;
}): Promise<Map<string, Uint8Array>> {
  const wanted = new Map<string, TileId>();
  for (const slice of options.slices) {
    const place = { level: slice.level, index: tileIndex(slice) };
    wanted.set(tileKey(slice), { ...place, width: tileWidth({ ...place, size: options.size }) });
  }
  const reads = [...wanted].map(async ([key, tile]): Promise<[string, Uint8Array]> => {
    const hashes = await options.readTile(tile);
    if (hashes.length < tile.width * HASH_BYTES) {
      throw new TlogError('tile_invalid');
    }
    return [key, hashes];
  });
  return new Map(await Promise.all(reads));
}

function sliceRoot(slice: Slice, tiles: Map<string, Uint8Array>): Buffer {
  const offset = (slice.first % TILE_WIDTH) * HASH_BYTES;
  const tile = tiles.get(tileKey(slice)) ?? new Uint8Array();
  return foldPerfect(tile.subarray(offset, offset + slice.count * HASH_BYTES));
}
