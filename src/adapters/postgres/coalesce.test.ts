import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VaultError } from '../../domain/errors.ts';
import { type CoalescerOptions, makeCoalescer } from './coalesce.ts';

/** A store whose batches end when the test says so. */
function makeFake(options: Partial<CoalescerOptions<string, string>> = {}) {
  const batches: { items: readonly string[]; end: () => void; fail: (error: unknown) => void }[] =
    [];
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const call = makeCoalescer<string, string>({
    run: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: () => resolve(items.map((item) => `${item}!`)), fail: reject });
      }),
    maxQueued: 100,
    maxWaitMs: 1_000,
    clock,
    ...options,
  });
  return { call, batches, clock };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const code = (wanted: string) => (error: unknown) =>
  error instanceof VaultError && error.code === wanted;

it('sends calls of one turn together, at once, and answers each with its own result', async () => {
  const { call, batches } = makeFake();
  const results = Promise.all(['a', 'b', 'c'].map(call));
  await turn();
  assert.deepEqual(
    batches.map(({ items }) => items),
    [['a', 'b', 'c']],
  );
  batches[0]?.end();
  assert.deepEqual(await results, ['a!', 'b!', 'c!']);
});

it('gathers calls while two batches are at work, and sends them in order when one ends', async () => {
  const { call, batches } = makeFake();
  const results: Promise<string>[] = [];
  for (const item of ['a', 'b', 'c', 'd']) {
    results.push(call(item));
    await turn();
  }
  assert.deepEqual(
    batches.map(({ items }) => items),
    [['a'], ['b']],
  );
  batches[1]?.end();
  await turn();
  assert.deepEqual(
    batches.map(({ items }) => items),
    [['a'], ['b'], ['c', 'd']],
  );
  batches[0]?.end();
  batches[2]?.end();
  assert.deepEqual(await Promise.all(results), ['a!', 'b!', 'c!', 'd!']);
});

it('never has more items in a batch, nor more batches at work, than allowed', async () => {
  const { call, batches } = makeFake({ maxItems: 3, maxInFlight: 2 });
  const results = Promise.all(Array.from({ length: 20 }, (_, index) => call(String(index))));
  for (let ended = 0; ended < 7; ended += 1) {
    await turn();
    assert.ok(batches.length - ended <= 2);
    assert.ok(batches.every(({ items }) => items.length <= 3));
    batches[ended]?.end();
  }
  assert.deepEqual(
    await results,
    Array.from({ length: 20 }, (_, index) => `${index}!`),
  );
});

it('holds few calls back while a batch is at work: until that ends, or they are enough', async () => {
  const { call, batches } = makeFake({ gather: { items: 3, ms: 60_000 }, maxInFlight: 2 });
  const results: Promise<string>[] = [];
  const add = async (item: string) => {
    results.push(call(item));
    await turn();
  };
  const sent = () => batches.map(({ items }) => items.join(''));
  for (const item of ['a', 'b', 'c']) await add(item);
  assert.deepEqual(sent(), ['a'], 'an idle one sends at once');
  await add('d');
  assert.deepEqual(sent(), ['a', 'bcd'], 'enough');
  await add('e');
  batches[0]?.end();
  await turn();
  assert.deepEqual(sent(), ['a', 'bcd'], 'one is still at work');
  batches[1]?.end();
  await turn();
  assert.deepEqual(sent(), ['a', 'bcd', 'e']);
  batches[2]?.end();
  assert.deepEqual(await Promise.all(results), ['a!', 'b!', 'c!', 'd!', 'e!']);
});

it('does not let calls hang behind a batch that hangs', async () => {
  const clock = { monotonic: () => performance.now() };
  const { call, batches } = makeFake({ gather: { items: 3, ms: 5 }, clock });
  const hanging = call('a');
  await turn();
  const other = call('b');
  while (batches.length < 2) await turn();
  batches[1]?.end();
  assert.equal(await other, 'b!');
  batches[0]?.end();
  assert.equal(await hanging, 'a!');
});

it('refuses at once what the queue has no room for', async () => {
  const { call, batches } = makeFake({ maxQueued: 2 });
  const accepted = [call('a'), call('b')];
  await assert.rejects(call('c'), code('overloaded'));
  await turn();
  batches[0]?.end();
  assert.deepEqual(await Promise.all(accepted), ['a!', 'b!']);
});

it('refuses calls that waited too long, and serves those that did not', async () => {
  const { call, batches, clock } = makeFake({ maxInFlight: 1 });
  const first = call('a');
  await turn();
  const late = call('b');
  clock.nowMs = 900;
  const inTime = call('c');
  clock.nowMs = 1_001;
  batches[0]?.end();
  await assert.rejects(late, code('overloaded'));
  await turn();
  assert.deepEqual(batches[1]?.items, ['c']);
  batches[1]?.end();
  assert.deepEqual(await Promise.all([first, inTime]), ['a!', 'c!']);
});

it('rejects each call of a failed batch with an error object of its own, and goes on', async () => {
  const { call, batches } = makeFake();
  const failed = [call('a'), call('b')];
  await turn();
  batches[0]?.fail(new VaultError('store_unavailable'));
  const errors = await Promise.all(failed.map((each) => each.catch((error: unknown) => error)));
  assert.ok(errors.every(code('store_unavailable')));
  assert.notEqual(errors[0], errors[1]);
  const next = call('c');
  await turn();
  batches[1]?.end();
  assert.equal(await next, 'c!');
});

it('fails a bad item alone when the failure may be its fault', async () => {
  let statements = 0;
  const call = makeCoalescer<number, number>({
    run: async (items) => {
      statements += 1;
      if (items.includes(300)) {
        throw new VaultError('internal');
      }
      return items;
    },
    maxQueued: 1_000,
    maxWaitMs: 1_000,
    clock: { monotonic: () => 0 },
    isItemFault: () => true,
  });
  const items = Array.from({ length: 512 }, (_, index) => index);
  const settled = await Promise.allSettled(items.map(call));
  const failed = settled.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
  assert.deepEqual(failed, [300]);
  assert.ok(statements <= 19, `${statements} statements for one bad item`);
});

it('does not repeat a batch for failures that are no item’s fault', async () => {
  const { call, batches } = makeFake({ isItemFault: () => false });
  const failed = [call('a'), call('b')];
  await turn();
  batches[0]?.fail(new VaultError('store_unavailable'));
  await Promise.all(failed.map((each) => assert.rejects(each)));
  assert.equal(batches.length, 1);
});

it('treats a batch with a result too few as failed: nobody gets a neighbour’s answer', async () => {
  const { call } = makeFake({ run: async (items) => items.slice(1) });
  await Promise.all(['a', 'b'].map((item) => assert.rejects(call(item), code('internal'))));
});
