import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAX_SPARES, makeSlabs, type Piece, SLAB_BYTES } from './slabs.ts';

const memoryOf = ({ bytes }: Piece) => bytes.buffer;
const FOURTH = SLAB_BYTES / 4;

it('puts pieces of one line behind each other, and those of another line elsewhere', () => {
  const slabs = makeSlabs();
  const [a, b] = [slabs.take('one', 10), slabs.take('one', 20)];
  const c = slabs.take('two', 10);
  assert.equal(memoryOf(a), memoryOf(b));
  assert.equal(b.bytes.byteOffset, a.bytes.byteOffset + 10);
  assert.notEqual(memoryOf(a), memoryOf(c));
});

it('uses a slab again when all its pieces are back, and not before', () => {
  const slabs = makeSlabs();
  const pieces = Array.from({ length: 4 }, () => slabs.take('one', FOURTH));
  const [first, ...others] = pieces as [Piece, ...Piece[]];
  for (const piece of others) slabs.giveBack(piece);
  const later = slabs.take('one', FOURTH);
  assert.notEqual(memoryOf(later), memoryOf(first));
  slabs.giveBack(first);
  assert.equal(memoryOf(slabs.take('two', FOURTH)), memoryOf(first));
});

it('begins anew in a slab that is open when all its pieces are back', () => {
  const slabs = makeSlabs();
  const first = slabs.take('one', FOURTH);
  slabs.giveBack(first);
  const second = slabs.take('one', FOURTH);
  assert.equal(memoryOf(second), memoryOf(first));
  assert.equal(second.bytes.byteOffset, 0);
});

it('keeps no more spare slabs than it says', () => {
  const slabs = makeSlabs();
  const lines = Array.from({ length: 2 * MAX_SPARES }, (_, n) => String(n));
  const pieces = lines.map((line) => slabs.take(line, 1));
  const before = new Set(pieces.map(memoryOf));
  for (const piece of pieces) slabs.giveBack(piece);
  const again = lines.map((line) => memoryOf(slabs.take(line, 1)));
  assert.equal(again.filter((memory) => before.has(memory)).length, MAX_SPARES);
});

it('gives what is large memory of its own', () => {
  const slabs = makeSlabs();
  const large = slabs.take('one', SLAB_BYTES + 1);
  assert.equal(large.bytes.length, SLAB_BYTES + 1);
  assert.equal(large.bytes.byteOffset, 0);
  slabs.giveBack(large);
  assert.notEqual(memoryOf(slabs.take('one', SLAB_BYTES / 2)), memoryOf(large));
});
