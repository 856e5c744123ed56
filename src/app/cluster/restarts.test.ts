import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRestarts } from './restarts.ts';

test('the pause before a replacement grows, is bounded, and ends in giving up', () => {
  const restarts = makeRestarts();
  const pauses = Array.from({ length: 9 }, () => restarts.pauseAfter(0));
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, undefined]);
});

test('a worker that served for a minute is replaced at once, whatever came before', () => {
  const restarts = makeRestarts();
  for (let times = 0; times < 8; times += 1) restarts.pauseAfter(59_999);
  assert.equal(restarts.pauseAfter(60_000), 250);
  assert.equal(restarts.pauseAfter(0), 500);
});
