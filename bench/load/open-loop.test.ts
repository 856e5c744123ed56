import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueAt } from './open-loop.ts';

const PHASES = [
  { seconds: 2, rate: 10 },
  { seconds: 1, rate: 100 },
  { seconds: 4, rate: 5 },
];

test('what is due follows the rates of the phases, one after the other', () => {
  const due = [-5, 0, 1_000, 2_000, 2_500, 3_000, 5_000, 7_000].map((ms) => dueAt(PHASES, ms));
  assert.deepEqual(due, [0, 0, 10, 20, 70, 120, 130, 140]);
});

test('after the last phase nothing more is due', () => {
  assert.equal(dueAt(PHASES, 60_000), 140);
});
