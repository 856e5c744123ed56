import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { inOrder } from './in-order.ts';

async function* numbers(count: number): AsyncGenerator<number, void, void> {
  for (let n = 0; n < count; n += 1) yield n;
}

test('results come in the order of the source, whatever order the work ends in', async () => {
  const plan = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(plan, fc.integer({ min: 1, max: 4 }), async (delays, atOnce) => {
      let atWork = 0;
      let most = 0;
      const work = async (n: number) => {
        atWork += 1;
        most = Math.max(most, atWork);
        for (let left = delays[n] ?? 0; left > 0; left -= 1) await turn();
        atWork -= 1;
        return n;
      };
      const results: number[] = [];
      for await (const n of inOrder(numbers(delays.length), work, atOnce)) results.push(n);
      assert.deepEqual(results, [...delays.keys()]);
      assert.equal(most <= atOnce, true);
    }),
    { numRuns: 50 },
  );
});

test('who takes nothing stops the reading after what may be held', async () => {
  let read = 0;
  const source = (async function* () {
    for (;;) {
      read += 1;
      yield read;
    }
  })();
  const results = inOrder(source, async (n) => n, 3);
  await results.next();
  for (let n = 0; n < 20; n += 1) await turn();
  assert.equal(read <= 4, true, String(read));
  await results.return();
});

test('a result leaves while the source has nothing more to give yet', async () => {
  const more = Promise.withResolvers<void>();
  const source = (async function* () {
    yield 'first';
    await more.promise;
    yield 'second';
  })();
  const results = inOrder(source, async (text) => text, 3);
  assert.equal((await results.next()).value, 'first');
  more.resolve();
  assert.equal((await results.next()).value, 'second');
  assert.equal((await results.next()).done, true);
});

test('when the source fails, what it gave before is answered first', async () => {
  const source = (async function* () {
    yield* numbers(2);
    throw new Error('gone');
  })();
  const results = inOrder(source, async (n) => n, 3);
  assert.equal((await results.next()).value, 0);
  assert.equal((await results.next()).value, 1);
  await assert.rejects(results.next(), { message: 'gone' });
});

test('a consumer that stops closes the source, and waits for work under way', async () => {
  let isClosed = false;
  let ended = 0;
  const source = (async function* () {
    try {
      for (let n = 0; ; n += 1) yield n;
    } finally {
      isClosed = true;
    }
  })();
  const work = async (n: number) => {
    await turn();
    ended += 1;
    return n;
  };
  for await (const _ of inOrder(source, work, 2)) break;
  assert.equal(ended >= 1, true);
  assert.equal(isClosed, true);
  const before = ended;
  await turn();
  assert.equal(ended, before);
});
