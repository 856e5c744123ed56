import { hash } from 'node:crypto';
import { TlogError } from './tlog-error.ts';

export const HASH_BYTES = 32;
/** The length prefix of a bundle is 16 bits wide (tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535;

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

// The inputs of the hash, prefix first, overwritten at each call and never handed out. All of this is
// synchronous, so no two calls can meet in them; they save an allocation for each of the 2n hashes.
const leafInput = Buffer.alloc(1 + MAX_ENTRY_BYTES, LEAF_PREFIX);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** The root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1). A new buffer. */
export function emptyRoot(): Buffer {
  return hash('sha256', '', 'buffer');
}

/** The hash of one leaf: SHA-256(0x00 ‖ entry) (RFC 6962 §2.1). Throws `entry_too_large`. */
export function hashLeaf(entry: Uint8Array): Buffer {
  return hashLeaves([entry]);
}

/** The hashes of many leaves, one behind the other, as `append` takes them. Throws `entry_too_large`. */
export function hashLeaves(entries: readonly Uint8Array[]): Buffer {
  const hashes = Buffer.alloc(entries.length * HASH_BYTES);
  for (const [index, entry] of entries.entries()) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new TlogError('entry_too_large');
    }
    leafInput.set(entry, 1);
    writeHash({ input: leafInput.subarray(0, 1 + entry.length), to: hashes, index });
  }
  return hashes;
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1). Throws `hash_invalid`. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  checkHash(left);
  checkHash(right);
  const node = Buffer.alloc(HASH_BYTES);
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  writeHash({ input: nodeInput, to: node, index: 0 });
  return node;
}

/**
 * The root over 2^k hashes that lie one behind the other: level by level, in one copy, without
 * recursion. Throws `hash_invalid` when their number is not a power of two.
 */
export function foldPerfect(hashes: Uint8Array): Buffer {
  const work = Buffer.from(hashes);
  let width = work.length / HASH_BYTES;
  while (width > 1) {
    width /= 2;
    if (!Number.isInteger(width)) {
      break;
    }
    for (let index = 0; index < width; index += 1) {
      // The pair lies behind or at the place of its parent, and is copied before that is written.
      nodeInput.set(work.subarray(2 * index * HASH_BYTES, 2 * (index + 1) * HASH_BYTES), 1);
      writeHash({ input: nodeInput, to: work, index });
    }
  }
  if (width !== 1) {
    throw new TlogError('hash_invalid');
  }
  return Buffer.from(work.subarray(0, HASH_BYTES));
}

/**
 * The root over the roots of perfect subtrees, left to right, each smaller than the one before: RFC
 * 6962 §2.1 splits at the largest power of two, so they fold from the right. None give the empty root.
 */
export function foldSubtrees(roots: readonly Buffer[]): Buffer {
  return roots.length === 0
    ? emptyRoot()
    : roots.reduceRight((right, left) => hashNode(left, right));
}

/** Throws `hash_invalid` unless these are 32 bytes. */
export function checkHash(hashBytes: Uint8Array): void {
  if (hashBytes.length !== HASH_BYTES) {
    throw new TlogError('hash_invalid');
  }
}

/** Writes SHA-256(input) as hash number `index`. A text of bytes is three times as fast as a buffer. */
function writeHash({ input, to, index }: { input: Buffer; to: Buffer; index: number }): void {
  to.write(hash('sha256', input, 'binary'), index * HASH_BYTES, 'latin1');
}
