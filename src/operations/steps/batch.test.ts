import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestTurnOf } from '../../../test/helpers/turns.ts';
import { VaultError } from '../../domain/errors.ts';
import { eachItem, inTurns, makeTurns } from './batch.ts';

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

/** As `longestTurnOf`, of what is begun with a clock of its own. */
function longestTurnWith(
  begin: (clock: ReturnType<typeof makeWorkClock>) => Promise<unknown>,
): Promise<number> {
  const clock = makeWorkClock();
  return longestTurnOf(clock.monotonic, () => begin(clock));
}

/** As `longestTurnWith`, of a batch of items that each take `ms`. */
const longestTurn = (items: number, ms: number) =>
  longestTurnWith((clock) =>
    eachItem(clock, Array.from({ length: items }), {
      run: async () => {
        clock.work(ms);
        return { output: {}, fate: {} };
      },
      fateOf: () => ({}),
    }),
  );

test('other requests have their turn while a batch of slow items begins', async () => {
  assert.ok((await longestTurn(1_000, 5)) <= 50);
  assert.ok((await longestTurn(10, 500)) <= 1_000);
});

test('a batch has no longer turns for being prepared first', async () => {
  const items = Array.from({ length: 18 });
  const longestMs = await longestTurnWith(async (clock) => {
    const turns = makeTurns(clock);
    await inTurns(turns, items, () => clock.work(1));
    const run = () => {
      clock.work(1);
      return { output: {}, fate: {} };
    };
    await eachItem(clock, items, { run, fateOf: () => ({}), turns });
  });
  assert.ok(longestMs <= 25, `${longestMs} ms`);
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
