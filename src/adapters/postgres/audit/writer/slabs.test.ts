import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAX_PIECE_BYTES, MAX_SPARES, makeSlabs, type Piece, SLAB_BYTES } from './slabs.ts';

const memoryOf = ({ bytes }: Piece) => bytes.buffer;
const IN_A_SLAB = SLAB_BYTES / MAX_PIECE_BYTES;

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
  const pieces = Array.from({ length: IN_A_SLAB }, () => slabs.take('one', MAX_PIECE_BYTES));
  const [first, ...others] = pieces as [Piece, ...Piece[]];
  for (const piece of others) slabs.giveBack(piece);
  const later = slabs.take('one', MAX_PIECE_BYTES);
  assert.notEqual(memoryOf(later), memoryOf(first));
  slabs.giveBack(first);
  assert.equal(memoryOf(slabs.take('two', MAX_PIECE_BYTES)), memoryOf(first));
});

it('begins anew in a slab that is open when all its pieces are back', () => {
  const slabs = makeSlabs();
  const first = slabs.take('one', MAX_PIECE_BYTES);
  slabs.giveBack(first);
  const second = slabs.take('one', MAX_PIECE_BYTES);
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
  const large = slabs.take('one', MAX_PIECE_BYTES + 1);
  assert.equal(large.bytes.length, MAX_PIECE_BYTES + 1);
  assert.equal(large.bytes.byteOffset, 0);
  slabs.giveBack(large);
  assert.notEqual(memoryOf(slabs.take('one', MAX_PIECE_BYTES)), memoryOf(large));
});
