// A log in memory for the tests of src/tlog, and keys for it.
import { makeEdge } from '../../src/tlog/edge.ts';
import { HASH_BYTES, hashLeaves } from '../../src/tlog/hash.ts';
import { makeProver } from '../../src/tlog/prover.ts';
import { generateSigningKey, makeNoteSigner, parseSigningKey } from '../../src/tlog/signing-key.ts';
import type { TileId } from '../../src/tlog/tile.ts';
import { TlogError, type TlogErrorCode } from '../../src/tlog/tlog-error.ts';

/** For `assert.throws`: a TlogError of this code. */
export const refusal = (code: TlogErrorCode) => (error: unknown) =>
  error instanceof TlogError && error.code === code;

/** Entries `entry 0`, `entry 1`, …: all different. */
export const entriesTo = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.from(`entry ${index}`));

/** A key that signs as a log of this origin. */
export const makeLogSigner = (origin: string) =>
  makeNoteSigner(parseSigningKey(generateSigningKey(origin)));

/** A log of these entries, with the widest version of each tile. */
export function makeMemoryLog(entries: readonly Uint8Array[]) {
  const hashes = hashLeaves(entries);
  const edge = makeEdge();
  const tiles = new Map<string, Uint8Array>();
  for (const full of edge.append(hashes)) {
    tiles.set(`${full.level}/${full.index}`, full.hashes);
  }
  for (const [level, tile] of edge.state().openTiles.entries()) {
    tiles.set(`${level}/${Math.floor(entries.length / 256 ** (level + 1))}`, tile);
  }
  const readTile = ({ level, index, width }: TileId): Uint8Array => {
    const tile = tiles.get(`${level}/${index}`) ?? Buffer.alloc(0);
    return tile.subarray(0, width * HASH_BYTES);
  };
  const leafHash = (index: number) => hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  return {
    root: edge.root,
    leafHash,
    leafHashes: Array.from(entries, (_, index) => leafHash(index)),
    readTile,
    proverAt: (size: number) => makeProver({ size, readTile }),
  };
}
