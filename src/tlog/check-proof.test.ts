import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesTo, refusal } from '../../test/helpers/tlog.ts';
import { leafHashOf, makeDefinition } from '../../test/helpers/tlog-definition.ts';
import {
  type ConsistencyClaim,
  checkConsistency,
  checkInclusion,
  type InclusionClaim,
} from './check-proof.ts';
import { hashNode } from './hash.ts';

const MAX = 70;
const leafHashes = entriesTo(MAX + 1).map(leafHashOf);
const { root, inclusion, consistency } = makeDefinition(leafHashes);
const leafHash = (index: number): Buffer => leafHashes[index] ?? Buffer.alloc(32);
const flipped = (hash: Buffer) => Buffer.from(hash).fill(hash.readUInt8(5) ^ 1, 5, 6);

const inclusionClaim = (index: number, size: number): InclusionClaim & { proof: Buffer[] } => {
  return {
    index,
    size,
    leafHash: leafHash(index),
    root: root(size),
    proof: inclusion(index, size),
  };
};
const consistencyClaim = (
  oldSize: number,
  size: number,
): ConsistencyClaim & { proof: Buffer[] } => {
  const proof = oldSize === 0 ? [] : consistency(oldSize, size);
  return { oldSize, oldRoot: root(oldSize), size, root: root(size), proof };
};

const refused = refusal('proof_refused');

/** Every proof that is this one but for one hash changed, left out or added. */
function* damaged(proof: readonly Buffer[]): Generator<Buffer[]> {
  for (const [at, hash] of proof.entries()) {
    yield proof.with(at, flipped(hash));
    yield proof.toSpliced(at, 1);
  }
  yield [...proof, leafHash(0)];
  yield [leafHash(0), ...proof];
}

test('all 2,485 inclusion proofs up to 70 leaves pass, each for its own index alone', () => {
  let accepted = 0;
  for (let size = 1; size <= MAX; size += 1) {
    for (let index = 0; index < size; index += 1) {
      const claim = inclusionClaim(index, size);
      checkInclusion(claim);
      accepted += 1;
      for (let other = 0; other <= size + 1; other += 1) {
        if (other !== index) {
          assert.throws(() => checkInclusion({ ...claim, index: other }), refused);
        }
      }
    }
  }
  assert.equal(accepted, 2485);
});

test('an inclusion proof with any hash changed, lost or added is refused', () => {
  for (const size of [1, 2, 3, 7, 8, 9, 31, 64, 65, 70]) {
    for (let index = 0; index < size; index += 1) {
      const claim = inclusionClaim(index, size);
      for (const proof of damaged(claim.proof)) {
        assert.throws(() => checkInclusion({ ...claim, proof }), refused);
      }
      assert.throws(() => checkInclusion({ ...claim, leafHash: leafHash(MAX) }), refused);
      assert.throws(() => checkInclusion({ ...claim, root: root(size + 1) }), refused);
    }
  }
});

test('a proof higher than a tree of the claimed size is refused, though it leads to the root', () => {
  const [leaf, sibling] = [leafHash(0), leafHash(1)];
  for (const higher of [hashNode(sibling, leaf), hashNode(leaf, sibling)]) {
    const claim = { index: 0, size: 1, leafHash: leaf, proof: [sibling], root: higher };
    assert.throws(() => checkInclusion(claim), refused);
  }
  const oldRoot = root(2);
  const higher = hashNode(sibling, hashNode(oldRoot, leafHash(2)));
  const proof = [leafHash(2), sibling];
  assert.throws(
    () => checkConsistency({ oldSize: 2, oldRoot, size: 3, root: higher, proof }),
    refused,
  );
});

test('all consistency proofs up to 70 leaves pass, and none for another old size', () => {
  let accepted = 0;
  for (let size = 0; size <= MAX; size += 1) {
    for (let oldSize = 0; oldSize <= size; oldSize += 1) {
      const claim = consistencyClaim(oldSize, size);
      checkConsistency(claim);
      accepted += 1;
      for (let other = 0; other <= size + 1; other += 1) {
        if (other !== oldSize) {
          const lie = { ...claim, oldSize: other };
          assert.throws(() => checkConsistency(lie), refused, `${oldSize}→${other} of ${size}`);
        }
      }
    }
  }
  assert.equal(accepted, 2556);
});

test('a consistency proof with any hash changed, lost or added is refused', () => {
  for (const size of [1, 2, 3, 7, 8, 9, 31, 64, 65, 70]) {
    for (let oldSize = 0; oldSize <= size; oldSize += 1) {
      const claim = consistencyClaim(oldSize, size);
      for (const proof of damaged(claim.proof)) {
        assert.throws(() => checkConsistency({ ...claim, proof }), refused);
      }
      assert.throws(() => checkConsistency({ ...claim, oldRoot: leafHash(MAX) }), refused);
      if (oldSize > 0) {
        assert.throws(() => checkConsistency({ ...claim, root: leafHash(MAX) }), refused);
      }
    }
  }
});

test('a tree that has shrunk, and an empty one with another root, are refused', () => {
  assert.throws(() => checkConsistency({ ...consistencyClaim(7, 9), size: 6 }), refused);
  assert.throws(() => checkConsistency({ ...consistencyClaim(0, 0), root: leafHash(0) }), refused);
  assert.throws(() => checkConsistency({ ...consistencyClaim(9, 9), root: root(8) }), refused);
});

test('an entry that was changed, removed or put between breaks every later consistency proof', () => {
  const forged = makeDefinition([...leafHashes.slice(0, 4), leafHash(MAX), ...leafHashes.slice(5)]);
  const shorter = makeDefinition(leafHashes.toSpliced(4, 1));
  const longer = makeDefinition(leafHashes.toSpliced(4, 0, leafHash(MAX)));
  for (const tree of [forged, shorter, longer]) {
    for (let size = 6; size <= MAX; size += 1) {
      const claim = { oldSize: 5, oldRoot: root(5), size, root: tree.root(size) };
      const proof = tree.consistency(5, size);
      assert.throws(() => checkConsistency({ ...claim, proof }), refused);
    }
  }
});

test('hashes of other lengths and numbers that are none are refused as such', () => {
  const inclusion9 = inclusionClaim(3, 9);
  const consistency9 = consistencyClaim(3, 9);
  const short = Buffer.alloc(31);
  for (const wrong of [{ leafHash: short }, { root: short }, { proof: [short] }]) {
    assert.throws(() => checkInclusion({ ...inclusion9, ...wrong }), refusal('hash_invalid'));
  }
  for (const wrong of [{ oldRoot: short }, { root: short }, { proof: [short] }]) {
    assert.throws(() => checkConsistency({ ...consistency9, ...wrong }), refusal('hash_invalid'));
  }
  for (const size of [-1, 2 ** 53, Number.NaN, 9.5]) {
    assert.throws(() => checkInclusion({ ...inclusion9, size }), refusal('number_invalid'));
    assert.throws(() => checkConsistency({ ...consistency9, size }), refusal('number_invalid'));
  }
  assert.throws(() => checkInclusion({ ...inclusion9, index: -1 }), refusal('number_invalid'));
});
