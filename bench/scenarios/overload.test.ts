import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LoadSlice, SLICE_MS } from '../load/open-loop.ts';
import { recoveryOf } from './overload.ts';

const CALM_MS = 40;
const quick: LoadSlice = { offered: 9, unsent: 0, ok: 9, refused: 0, failed: 0, ms: [20] };
const slow: LoadSlice = { ...quick, ms: [2 * CALM_MS + 1] };
const refusing: LoadSlice = { ...quick, refused: 1 };
const silent: LoadSlice = { ...quick, ok: 0, ms: [] };
const times = (count: number, slice: LoadSlice) => Array.from({ length: count }, () => slice);
const secondsOf = (slices: LoadSlice[]) => recoveryOf(slices, CALM_MS);

test('who is calm at once has recovered at once', () => {
  assert.equal(secondsOf(times(24, quick)), 0);
});

test('recovery waits for the last refusal, however late it comes', () => {
  const at = (slices: LoadSlice[]) => (slices.length * SLICE_MS) / 1_000;
  for (const head of [times(6, refusing), [...times(12, quick), refusing]]) {
    assert.equal(secondsOf([...head, ...times(8, quick)]), at(head));
  }
});

test('recovery waits for two quick seconds, and no longer', () => {
  assert.equal(secondsOf([...times(3, quick), slow, ...times(4, quick), slow]), 2);
  assert.equal(secondsOf([silent, ...times(4, quick), slow, ...times(9, quick)]), 0.5);
});

test('who is never quick for two seconds has not recovered in the time that was looked at', () => {
  assert.equal(secondsOf(times(24, slow)), 12);
  assert.equal(secondsOf([...times(21, slow), ...times(3, quick)]), 12);
});
