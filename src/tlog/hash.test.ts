import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesTo, refusal } from '../../test/helpers/tlog.ts';
import { leafHashOf, makeDefinition } from '../../test/helpers/tlog-definition.ts';
import {
  emptyRoot,
  foldPerfect,
  foldSubtrees,
  hashLeaf,
  hashLeaves,
  hashNode,
  MAX_ENTRY_BYTES,
} from './hash.ts';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const EMPTY_LEAF = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';

test('the empty tree and the empty leaf have the hashes of RFC 6962', () => {
  assert.equal(emptyRoot().toString('hex'), EMPTY);
  assert.equal(hashLeaf(Buffer.alloc(0)).toString('hex'), EMPTY_LEAF);
  emptyRoot().fill(0);
  assert.equal(emptyRoot().toString('hex'), EMPTY, 'no caller can change it for the others');
});

test('leaves are hashed alike alone and in lists, up to the longest entry', () => {
  const entries = [...entriesTo(3), Buffer.alloc(MAX_ENTRY_BYTES, 7), Buffer.from('after')];
  assert.deepEqual(hashLeaves(entries), Buffer.concat(entries.map(leafHashOf)));
  assert.deepEqual(entries.map(hashLeaf), entries.map(leafHashOf));
  assert.throws(() => hashLeaf(Buffer.alloc(MAX_ENTRY_BYTES + 1)), refusal('entry_too_large'));
});

test('a leaf never has the hash of a node (RFC 6962 §2.1, second preimages)', () => {
  const [left, right] = [hashLeaf(Buffer.from('l')), hashLeaf(Buffer.from('r'))];
  assert.notDeepEqual(hashLeaf(Buffer.concat([left, right])), hashNode(left, right));
});

test('perfect subtrees fold to the definition, and leave their input alone', () => {
  const leafHashes = entriesTo(256).map(leafHashOf);
  const { root } = makeDefinition(leafHashes);
  for (let width = 1; width <= 256; width *= 2) {
    const hashes = Buffer.concat(leafHashes.slice(0, width));
    const before = Buffer.from(hashes);
    assert.deepEqual(foldPerfect(hashes), root(width));
    assert.deepEqual(hashes, before);
  }
});

test('what is no hash, or no power of two of them, is refused', () => {
  const hash = hashLeaf(Buffer.alloc(0));
  for (const bytes of [0, 31, 33, 48, 96, 32 * 6, 32 * 255]) {
    assert.throws(() => foldPerfect(Buffer.alloc(bytes)), refusal('hash_invalid'), String(bytes));
  }
  for (const bad of [Buffer.alloc(0), Buffer.alloc(31), Buffer.alloc(33)]) {
    assert.throws(() => hashNode(bad, hash), refusal('hash_invalid'));
    assert.throws(() => hashNode(hash, bad), refusal('hash_invalid'));
  }
});

test('subtrees of falling width fold from the right, and none give the empty root', () => {
  const leafHashes = entriesTo(7).map(leafHashOf);
  const part = (from: number, to: number) => foldPerfect(Buffer.concat(leafHashes.slice(from, to)));
  const folded = foldSubtrees([part(0, 4), part(4, 6), part(6, 7)]);
  assert.deepEqual(folded, makeDefinition(leafHashes).root(7));
  assert.deepEqual(foldSubtrees([]), emptyRoot());
});
