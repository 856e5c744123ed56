import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from '../../domain/errors.ts';
import { eachItem } from './batch.ts';

/** A clock that only work moves on. */
function makeWorkClock() {
  let nowMs = 0;
  return {
    monotonic: () => nowMs,
    work: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Runs a batch of items that each take `ms`; the longest stretch of work without a turn for others. */
async function longestTurn(items: number, ms: number): Promise<number> {
  const clock = makeWorkClock();
  let turnBeganAtMs = 0;
  let longestMs = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise(setImmediate);
      turnBeganAtMs = clock.monotonic();
    }
  })();
  await eachItem(clock, Array.from({ length: items }), {
    run: async () => {
      clock.work(ms);
      longestMs = Math.max(longestMs, clock.monotonic() - turnBeganAtMs);
      return { output: {}, fate: {} };
    },
    fateOf: () => ({}),
  });
  isDone = true;
  await others;
  return longestMs;
}

test('other requests have their turn while a batch of slow items begins', async () => {
  assert.ok((await longestTurn(1_000, 5)) <= 50);
  assert.ok((await longestTurn(10, 500)) <= 1_000);
});

test('a batch of quick items begins in one turn, so that they share statements', async () => {
  assert.equal(await longestTurn(1_000, 0.01).then(Math.round), 10);
});

test('an item that fails long before the last one begins fails alone, in its place', async () => {
  const clock = makeWorkClock();
  const { output, fates } = await eachItem(clock, [1, 2, 3], {
    run: async (item) => {
      clock.work(100);
      if (item === 1) throw new VaultError('value_invalid');
      return { output: { item }, fate: { field: 'f' } };
    },
    fateOf: () => ({ field: 'g' }),
  });
  assert.deepEqual(output.items.slice(1), [{ item: 2 }, { item: 3 }]);
  assert.deepEqual(
    fates.map(({ field, failure }) => [field, failure?.code]),
    [
      ['g', 'value_invalid'],
      ['f', undefined],
      ['f', undefined],
    ],
  );
});
