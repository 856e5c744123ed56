import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findGaps, type JudgedRow } from './gaps.ts';

const intact = (firstSeq: number, count: number): JudgedRow => ({ firstSeq, count, intact: true });
const bad = (firstSeq: number, count: number): JudgedRow => ({ firstSeq, count, intact: false });
const find = (
  nextSeq: number,
  rows: JudgedRow[],
  more: Partial<Parameters<typeof findGaps>[0]> = {},
) =>
  findGaps({
    nextSeq,
    rows,
    isGivenUp: false,
    isPatienceOver: () => true,
    max: 100,
    ...more,
  });

test('says nothing of a writer that can go on', () => {
  assert.deepEqual(find(5, [intact(5, 3)]), { gaps: [], nextSeq: 5 });
  assert.deepEqual(find(5, []), { gaps: [], nextSeq: 5 });
  // A forged row beside a genuine one of the same number.
  assert.deepEqual(find(5, [bad(5, 3), intact(5, 3)]), { gaps: [], nextSeq: 5 });
});

test('calls a hole missing only when patience is over', () => {
  const rows = [intact(8, 1)];
  assert.deepEqual(find(5, rows, { isPatienceOver: () => false }).gaps, []);
  assert.deepEqual(find(5, rows), { gaps: [{ from: 5, to: 7, why: 'missing' }], nextSeq: 8 });
});

test('cuts what an altered row claims where the next row begins', () => {
  const gap = (to: number) => [{ from: 5, to, why: 'altered' }];
  assert.deepEqual(find(5, [bad(5, 3), intact(8, 1)]).gaps, gap(7));
  assert.deepEqual(find(5, [bad(5, 400), intact(8, 1)]).gaps, gap(7));
  assert.deepEqual(find(5, [bad(5, 0), intact(6, 1)]).gaps, gap(5));
});

test('says nothing before an intact row proves that the numbers were used, or the writer is given up', () => {
  const rows = [bad(9, 2), bad(1_000_000, 1)];
  assert.deepEqual(find(5, rows).gaps, []);
  assert.deepEqual(find(5, rows, { isGivenUp: true, isPatienceOver: () => false }), {
    gaps: [
      { from: 5, to: 8, why: 'missing' },
      { from: 9, to: 10, why: 'altered' },
      { from: 11, to: 999_999, why: 'missing' },
      { from: 1_000_000, to: 1_000_000, why: 'altered' },
    ],
    nextSeq: 1_000_001,
  });
});

test('gaps follow each other without a hole, and never reach a number of an intact row in their way', () => {
  const row = fc.record({
    firstSeq: fc.integer({ min: 0, max: 40 }),
    count: fc.integer({ min: 0, max: 9 }),
    intact: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(row), fc.boolean(), fc.integer({ min: 1, max: 5 }), (rows, gone, max) => {
      const sorted = rows.sort((a, b) => a.firstSeq - b.firstSeq);
      const { gaps, nextSeq } = find(3, sorted, { isGivenUp: gone, max });
      assert.ok(gaps.length <= max);
      let next = 3;
      for (const { from, to } of gaps) {
        assert.equal(from, next);
        assert.ok(to >= from);
        next = to + 1;
      }
      assert.equal(nextSeq, next);
      const first = sorted.find((one) => one.intact && one.firstSeq >= 3);
      assert.ok(first === undefined || nextSeq <= first.firstSeq);
    }),
  );
});
