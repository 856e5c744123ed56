// Sizes that no test could store: beyond 2^31, where bit operators would go wrong, up to 2^53 - 1.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  leafHashOf,
  makeUniformTree,
  verifiesInclusion,
} from '../../test/helpers/tlog-definition.ts';
import { checkConsistency, checkInclusion, type InclusionClaim } from './check-proof.ts';
import { makeProver } from './prover.ts';

const leafHash = leafHashOf(Buffer.from('every entry'));
const tree = makeUniformTree(leafHash);
const proverAt = (size: number) =>
  makeProver({ size, readTile: ({ level, width }) => tree.tile(level, width) });

const SIZES = [
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 32 + 5],
  ...[2 ** 40 + 12_345, 2 ** 48 - 1, 2 ** 48, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER],
];

function isAccepted(claim: InclusionClaim): boolean {
  try {
    checkInclusion(claim);
    return true;
  } catch {
    return false;
  }
}

test('trees of up to 2^53 - 1 leaves have the right roots and proofs', async () => {
  for (const size of SIZES) {
    const prover = proverAt(size);
    const root = await prover.root();
    assert.deepEqual(root, tree.root(BigInt(size)), String(size));
    for (const index of [0, 255, 2 ** 31 - 2, Math.floor(size / 3), size - 2, size - 1]) {
      const proof = await prover.inclusion(index);
      checkInclusion({ index, size, leafHash, proof, root });
      const bigints = { index: BigInt(index), size: BigInt(size) };
      assert.ok(verifiesInclusion({ ...bigints, leafHash, proof, root }));
    }
    for (const oldSize of [1, 256, 2 ** 31 - 1, 2 ** 30, size - 1]) {
      const proof = await prover.consistency(oldSize);
      const oldRoot = tree.root(BigInt(oldSize));
      checkConsistency({ oldSize, oldRoot, size, root, proof });
    }
  }
});

test('with any index and size, right or wrong, the verifier agrees with the text of RFC 9162', async () => {
  const numbers = fc.record({
    size: fc.oneof(fc.constantFrom(...SIZES), fc.integer({ min: 1, max: 2 ** 53 - 1 })),
    index: fc.maxSafeNat(),
    claimed: fc.oneof(fc.maxSafeNat(), fc.integer({ min: -2, max: 2 })),
  });
  let [accepted, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(numbers, async ({ size, index, claimed }) => {
      const place = index % size;
      const proof = await proverAt(size).inclusion(place);
      const other = Math.abs(claimed) <= 2 ? Math.abs(place + claimed) : claimed;
      const claim = { leafHash, proof, root: tree.root(BigInt(size)) };
      const bigints = { index: BigInt(other), size: BigInt(size) };
      const verdict = isAccepted({ ...claim, index: other, size });
      assert.equal(verdict, verifiesInclusion({ ...claim, ...bigints }));
      [accepted, refused] = verdict ? [accepted + 1, refused] : [accepted, refused + 1];
    }),
    { numRuns: 300 },
  );
  assert.ok(accepted > 20 && refused > 20, `${accepted} accepted, ${refused} refused`);
});
