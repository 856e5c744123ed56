import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runPaced } from './paced.ts';

test('the number of pieces is that of the pace, whatever becomes of them', async () => {
  let begun = 0;
  const figures = await runPaced({
    perSecond: 200,
    seconds: 0.5,
    work: async () => {
      begun += 1;
      if (begun % 4 === 0) throw new Error('refused');
    },
  });
  assert.equal(begun, 100);
  assert.equal(figures.requests, 75);
  assert.equal(figures.failed, 25);
});

test('work that waits behind a stall counts from the moment at which it was due', async () => {
  const stallMs = 300;
  const stalled = sleep(stallMs);
  const figures = await runPaced({ perSecond: 100, seconds: 0.2, work: () => stalled });
  // The first was due at once, the last 190 ms later: none may seem faster than the rest of the stall.
  assert.equal(figures.requests, 20);
  assert.ok(figures.latencyMs.p99 >= stallMs - 5, String(figures.latencyMs.p99));
  assert.ok(figures.latencyMs.p50 >= stallMs - 200, String(figures.latencyMs.p50));
});
