import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile, slopeOf } from './stats.ts';

test('the median does not depend on the order, and one outlier does not move it', () => {
  assert.equal(median([5, 1, 900, 3, 4]), 4);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), undefined);
});

test('a percentile is a number that was measured', () => {
  const numbers = Array.from({ length: 1_000 }, (_, n) => 1_000 - n);
  assert.equal(percentile(numbers, 0.5), 500);
  assert.equal(percentile(numbers, 0.99), 990);
  assert.equal(percentile(numbers, 0.999), 999);
  assert.equal(percentile([7], 0.5), 7);
  assert.equal(percentile([], 0.5), undefined);
});

test('the slope of a line with noise around it is that of the line', () => {
  const points = Array.from({ length: 100 }, (_, x) => ({ x, y: 3 + 2 * x + (x % 2) }));
  assert.ok(Math.abs(slopeOf(points) - 2) < 0.01);
  assert.equal(slopeOf([{ x: 1, y: 1 }]), 0);
});
