import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entriesTo, makeMemoryLog, refusal } from '../../test/helpers/tlog.ts';
import { makeDefinition } from '../../test/helpers/tlog-definition.ts';
import { checkConsistency, checkInclusion } from './check-proof.ts';
import { makeProver, type ReadTile } from './prover.ts';

const SIZE = 70_000;
const log = makeMemoryLog(entriesTo(SIZE));
const definition = makeDefinition(log.leafHashes);

/** Makes the proofs of these sizes and index, compares them with the definition, and checks them. */
async function proveAndCheck({ old, index, size }: { old: number; index: number; size: number }) {
  const prover = log.proverAt(size);
  const root = await prover.root();
  assert.deepEqual(root, definition.root(size));
  const proof = await prover.inclusion(index);
  assert.deepEqual(proof, definition.inclusion(index, size));
  checkInclusion({ index, size, leafHash: log.leafHash(index), proof, root });
  const path = await prover.consistency(old);
  assert.deepEqual(path, definition.consistency(old, size));
  checkConsistency({ oldSize: old, oldRoot: definition.root(old), size, root, proof: path });
}

test('around the borders of tiles of every level, root and proofs are as RFC 6962 defines them', async () => {
  for (const size of [255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 65_791, 65_793, SIZE]) {
    for (const border of [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, size - 1, size]) {
      const old = Math.min(border, size);
      await proveAndCheck({ old, index: old - 1, size });
    }
  }
});

test('at random sizes up to 70,000, root and proofs are as RFC 6962 defines them', async () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: SIZE }), fc.nat(), fc.nat());
  await fc.assert(
    fc.asyncProperty(sizes, async ([size, old, index]) => {
      await proveAndCheck({ old: 1 + (old % size), index: index % size, size });
    }),
    { numRuns: 150 },
  );
});

test('each tile is read once for a proof, only as wide as the tree of that size has it', async () => {
  const reads: string[] = [];
  const readTile: ReadTile = (tile) => {
    reads.push(`${tile.level}/${tile.index}.${tile.width}`);
    return log.readTile(tile);
  };
  await makeProver({ size: SIZE, readTile }).inclusion(3);
  assert.deepEqual(reads.toSorted(), ['0/0.256', '0/273.112', '1/0.256', '1/1.17']);
  reads.length = 0;
  await makeProver({ size: 256, readTile }).root();
  assert.deepEqual(reads, ['1/0.1']);
});

test('nothing is read for what needs no hash', async () => {
  const readTile: ReadTile = () => assert.fail('a tile was read');
  assert.deepEqual(await makeProver({ size: 0, readTile }).root(), definition.root(0));
  const prover = makeProver({ size: 1000, readTile });
  assert.deepEqual(await prover.consistency(0), []);
  assert.deepEqual(await prover.consistency(1000), []);
  assert.deepEqual(await makeProver({ size: 1, readTile }).inclusion(0), []);
});

test('wider tiles and tiles that arrive later do as well', async () => {
  const readTile: ReadTile = async (tile) =>
    await Promise.resolve(log.readTile({ ...tile, width: 256 }));
  const prover = makeProver({ size: 300, readTile });
  assert.deepEqual(await prover.inclusion(299), definition.inclusion(299, 300));
});

test('outside the tree there is no proof, and a short tile is refused', async () => {
  const prover = log.proverAt(1000);
  for (const index of [-1, 1000, 0.5, 2 ** 53]) {
    await assert.rejects(prover.inclusion(index), refusal('number_invalid'));
  }
  await assert.rejects(log.proverAt(0).inclusion(0), refusal('number_invalid'));
  for (const old of [-1, 1001, 0.5]) {
    await assert.rejects(prover.consistency(old), refusal('number_invalid'));
  }
  const short = makeProver({ size: 1000, readTile: () => Buffer.alloc(31) });
  await assert.rejects(short.root(), refusal('tile_invalid'));
  assert.throws(() => log.proverAt(2 ** 53), refusal('number_invalid'));
});
