import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { makeSlabs } from './slabs.ts';

/** Sizes of copies, and which of those that are kept goes after each. */
const STEPS = fc.array(fc.tuple(fc.array(fc.nat(40), { maxLength: 4 }), fc.nat()), {
  maxLength: 60,
});

it('keeps every copy as it was until it is released, whatever is copied and released meanwhile', () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const slabs = makeSlabs(100);
      const kept: { wanted: Buffer[]; copies: Buffer[]; release: () => void }[] = [];
      for (const [number, [sizes, place]] of steps.entries()) {
        const parts = sizes.map((size) => Buffer.alloc(size, number + 1));
        kept.push({ wanted: parts.map((part) => Buffer.from(part)), ...slabs.copy(parts) });
        for (const part of parts) part.fill(0);
        for (const { wanted, copies } of kept) assert.deepEqual(copies, wanted);
        if (kept.length > 3) {
          const [gone] = kept.splice(place % kept.length, 1);
          gone?.release();
        }
      }
    }),
  );
});

it('uses memory again that everything in was released of, and none before', () => {
  const slabs = makeSlabs(64);
  const memory = () => slabs.copy([Buffer.alloc(32)]);
  const [first, second] = [memory(), memory()];
  assert.equal(first.copies[0]?.buffer, second.copies[0]?.buffer);
  first.release();
  const third = memory();
  assert.notEqual(third.copies[0]?.buffer, second.copies[0]?.buffer);
  second.release();
  memory();
  assert.equal(memory().copies[0]?.buffer, second.copies[0]?.buffer);
});

it('takes more than fits into one slab', () => {
  const { copies, release } = makeSlabs(64).copy([Buffer.alloc(60, 1), Buffer.alloc(60, 2)]);
  assert.deepEqual(copies, [Buffer.alloc(60, 1), Buffer.alloc(60, 2)]);
  release();
});
