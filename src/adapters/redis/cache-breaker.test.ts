import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { makeBreaker } from './cache-breaker.ts';

/** A breaker whose time passes only by `pass`, and whose probes give what `outcomes` say, else false. */
function open() {
  mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const probedAtMs: number[] = [];
  const outcomes: boolean[] = [];
  const breaker = makeBreaker({
    clock: { monotonic: () => nowMs },
    probe: async () => {
      probedAtMs.push(nowMs);
      return outcomes.shift() ?? false;
    },
  });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      nowMs += 500;
      mock.timers.tick(500);
      // The probe and what follows it.
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  };
  return { breaker, probedAtMs, outcomes, pass };
}

it('asks after 2 s, then after twice as long each time, up to 30 s', async (test) => {
  test.after(() => mock.timers.reset());
  const { breaker, probedAtMs, pass } = open();
  assert.equal(breaker.isOpen(), false);
  breaker.trip();
  breaker.trip();
  await pass(95_000);
  assert.deepEqual(probedAtMs, [2_000, 6_000, 14_000, 30_000, 60_000, 90_000]);
  assert.equal(breaker.isOpen(), true);
  breaker.close();
});

it('lets callers come back when a probe succeeds, and never before', async (test) => {
  test.after(() => mock.timers.reset());
  const { breaker, probedAtMs, outcomes, pass } = open();
  outcomes.push(false, true);
  breaker.trip();
  await pass(5_500);
  assert.equal(breaker.isOpen(), true);
  await pass(500);
  assert.equal(breaker.isOpen(), false);
  await pass(100_000);
  assert.equal(probedAtMs.length, 2, 'what works is not probed');
});

it('goes on where it was when it trips again soon, and begins anew after a quiet time', async (test) => {
  test.after(() => mock.timers.reset());
  const { breaker, probedAtMs, outcomes, pass } = open();
  outcomes.push(true, true, true);
  breaker.trip();
  await pass(2_000);
  breaker.trip();
  await pass(4_000);
  assert.equal(breaker.isOpen(), false);
  await pass(31_000);
  breaker.trip();
  await pass(2_000);
  assert.deepEqual(probedAtMs, [2_000, 6_000, 39_000]);
});

it('probes no more once it is closed', async (test) => {
  test.after(() => mock.timers.reset());
  const { breaker, probedAtMs, pass } = open();
  breaker.trip();
  breaker.close();
  await pass(60_000);
  assert.deepEqual(probedAtMs, []);
  assert.equal(breaker.isOpen(), true);
});
