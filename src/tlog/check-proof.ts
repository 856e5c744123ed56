import { checkHash, emptyRoot, hashNode } from './hash.ts';
import { checkNumber } from './numbers.ts';
import { TlogError } from './tlog-error.ts';

export type InclusionClaim = {
  index: number;
  size: number;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
};

export type ConsistencyClaim = {
  oldSize: number;
  oldRoot: Uint8Array;
  size: number;
  root: Uint8Array;
  proof: readonly Uint8Array[];
};

/** Where a proof stands: the node's number in its level, and the number of the level's last node. */
type Place = { node: number; last: number };

/**
 * Checks that a leaf is at this index of the tree with this root (RFC 9162 §2.1.3.2). The index is
 * part of what is proved. Throws `proof_refused`; `number_invalid` or `hash_invalid` for malformed input.
 */
export function checkInclusion({ index, size, leafHash, proof, root }: InclusionClaim): void {
  checkNumber(index);
  checkNumber(size);
  for (const hash of [leafHash, root, ...proof]) {
    checkHash(hash);
  }
  let hash: Buffer = Buffer.from(leafHash);
  let place: Place = { node: index, last: size - 1 };
  let refused = index >= size;
  for (const sibling of proof) {
    refused ||= place.last === 0;
    const step = climb(place);
    hash = step.siblingIsLeft ? hashNode(sibling, hash) : hashNode(hash, sibling);
    place = step.place;
  }
  if (refused || place.last !== 0 || !hash.equals(root)) {
    throw new TlogError('proof_refused');
  }
}

/**
 * Checks that the tree of `oldSize` leaves is a prefix of that of `size` (RFC 9162 §2.1.4.2): nothing
 * was removed, changed or put between. Every tree extends the empty one, by an empty proof. Throws
 * `proof_refused`; `number_invalid` or `hash_invalid` for malformed input.
 */
export function checkConsistency({ oldSize, oldRoot, size, root, proof }: ConsistencyClaim): void {
  checkNumber(oldSize);
  checkNumber(size);
  for (const hash of [oldRoot, root, ...proof]) {
    checkHash(hash);
  }
  const expectedOld = oldSize === 0 ? emptyRoot() : oldRoot;
  const accepted =
    oldSize === 0 || oldSize === size
      ? proof.length === 0 && (oldSize < size || Buffer.from(root).equals(expectedOld))
      : oldSize < size && isConsistent({ oldSize, oldRoot, size, root, proof });
  if (!accepted || !Buffer.from(oldRoot).equals(expectedOld)) {
    throw new TlogError('proof_refused');
  }
}

/** The case 0 < oldSize < size. */
function isConsistent({ oldSize, oldRoot, size, root, proof }: ConsistencyClaim): boolean {
  let place: Place = { node: oldSize - 1, last: size - 1 };
  while (place.node % 2 === 1) {
    place = parent(place);
  }
  // An old tree that is perfect (a power of two) is itself the node to start from: the proof leaves it out.
  const [seed, ...path] = place.node === 0 ? [oldRoot, ...proof] : proof;
  if (seed === undefined) {
    return false;
  }
  let oldHash: Buffer = Buffer.from(seed);
  let newHash = oldHash;
  for (const sibling of path) {
    if (place.last === 0) {
      return false;
    }
    const step = climb(place);
    if (step.siblingIsLeft) {
      oldHash = hashNode(sibling, oldHash);
      newHash = hashNode(sibling, newHash);
    } else {
      newHash = hashNode(newHash, sibling);
    }
    place = step.place;
  }
  return place.last === 0 && oldHash.equals(oldRoot) && newHash.equals(root);
}

/** One hash of the proof up. The last node of a level may have no sibling for some levels: skip those. */
function climb(place: Place): { siblingIsLeft: boolean; place: Place } {
  const siblingIsLeft = place.node % 2 === 1 || place.node === place.last;
  let at = place;
  while (siblingIsLeft && at.node % 2 === 0 && at.node !== 0) {
    at = parent(at);
  }
  return { siblingIsLeft, place: parent(at) };
}

function parent({ node, last }: Place): Place {
  return { node: Math.floor(node / 2), last: Math.floor(last / 2) };
}
