import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from '../../../../crypto/random.ts';
import type { CycleInput } from './cycle.ts';
import { startLoop } from './loop.ts';
import type { CycleReport } from './report.ts';

const REPORT: CycleReport = {
  outcome: 'waiting',
  events: 0,
  bytes: 0,
  seconds: 0,
  isFull: false,
  gaps: [],
  altered: [],
  closed: [],
  clockBack: [],
  pending: { events: 0, seconds: 0 },
};

/** A loop whose turns end as the test says: by a report, or by an error. */
function start(turns: (Partial<CycleReport> | Error)[], keepShard = async () => {}) {
  const inputs: CycleInput[] = [];
  const failures: unknown[] = [];
  let forgotten = 0;
  const loop = startLoop({
    cycle: {
      run: async (input) => {
        inputs.push(input);
        const turn = turns.shift() ?? {};
        if (turn instanceof Error) throw turn;
        return { report: { ...REPORT, ...turn } };
      },
      forget: () => {
        forgotten += 1;
      },
    },
    clock: { now: () => Date.UTC(2026, 0, 1), monotonic: () => performance.now() },
    random: randomBytes,
    keepShard,
    listDays: async () => ['all'],
    report: () => {},
    failed: (error) => failures.push(error),
    thoroughEveryMs: 60_000,
  });
  return { loop, inputs, failures, forgotten: () => forgotten };
}

test('looks at all days first, then at those around today', async () => {
  const { loop, inputs } = start([{ isFull: true }, {}]);
  await loop.close(1_000);
  assert.deepEqual(inputs[0]?.days, ['all']);
  // It is midnight: clocks of others may still be at the day before.
  assert.deepEqual(inputs[1]?.days, ['2025-12-31', '2026-01-01']);
});

test('close makes one whole turn more, and goes on while there is something to integrate', async () => {
  const { loop, inputs } = start([{}, { outcome: 'integrated' }, { outcome: 'integrated' }, {}]);
  await loop.close(10_000);
  assert.equal(inputs.length, 4);
});

test('close ends in time although there is always more', async () => {
  const { loop } = start(Array.from({ length: 1_000_000 }, () => ({ isFull: true })));
  await loop.close(20);
});

test('after a failure it forgets what it waited for, and asks for less at once, down to one batch', async () => {
  const failing = Array.from({ length: 5 }, () => new Error('no'));
  const { loop, inputs, failures, forgotten } = start(failing);
  while (inputs.length < 6) {
    loop.nudge();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await loop.close(0);
  assert.deepEqual([failures.length, forgotten()], [5, 5]);
  const asked = inputs.slice(0, 6).map(({ limits }) => limits.events);
  assert.deepEqual(asked, [4_088, 2_044, 1_022, 512, 512, 512]);
});

test('integrates although no shard can be opened', async () => {
  const { loop, inputs, failures } = start([], () => Promise.reject(new Error('no keys')));
  await loop.close(0);
  assert.ok(inputs.length > 0);
  assert.equal(failures.length, inputs.length);
});
