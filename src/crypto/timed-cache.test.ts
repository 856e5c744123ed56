import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTimedCache } from './timed-cache.ts';

function makeFixture() {
  const clock = { nowMs: 1_000, monotonic: () => clock.nowMs };
  const cache = makeTimedCache<number>({ maxAgeMs: 100, clock });
  const loads: string[] = [];
  const load = (key: string) => async () => loads.push(key);
  return { clock, cache, loads, load };
}

/** A load whose end the test decides. */
function makeSlow() {
  let settle = { resolve: (_value: number): void => {}, reject: (_error: Error): void => {} };
  const promise = new Promise<number>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

test('concurrent callers share one load, and later callers its value', async () => {
  const { cache, loads, load } = makeFixture();
  const values = await Promise.all(Array.from({ length: 20 }, () => cache.get('a', load('a'))));
  assert.deepEqual(new Set(values), new Set([1]));
  assert.equal(await cache.get('a', load('a')), 1);
  assert.equal(await cache.get('b', load('b')), 2);
  assert.deepEqual(loads, ['a', 'b']);
});

test('a value is served until its age is reached and never after', async () => {
  const { cache, clock, load } = makeFixture();
  await cache.get('a', load('a'));
  clock.nowMs += 99;
  assert.equal(await cache.get('a', load('a')), 1);
  clock.nowMs += 1;
  assert.equal(await cache.get('a', load('a')), 2);
});

test('age counts from the start of the load, and being used does not make younger', async () => {
  const { cache, clock, load } = makeFixture();
  const slow = makeSlow();
  const first = cache.get('a', () => slow.promise);
  clock.nowMs += 90;
  slow.resolve(7);
  assert.equal(await first, 7);
  assert.equal(await cache.get('a', load('a')), 7);
  clock.nowMs += 10;
  assert.equal(await cache.get('a', load('a')), 1);
});

test('a failed load is not remembered, and everyone who shared it hears of it', async () => {
  const { cache, load } = makeFixture();
  const fail = () => Promise.reject(new Error('down'));
  const shared = [cache.get('a', fail), cache.get('a', load('a'))];
  for (const one of shared) {
    await assert.rejects(one, /down/);
  }
  assert.equal(await cache.get('a', load('a')), 1);
});

test('a late failure does not throw a newer value out', { timeout: 5_000 }, async () => {
  const { cache, clock, load, loads } = makeFixture();
  const slow = makeSlow();
  const first = cache.get('a', () => slow.promise);
  clock.nowMs += 100;
  assert.equal(await cache.get('a', load('a')), 1);
  slow.reject(new Error('late'));
  await assert.rejects(first, /late/);
  assert.equal(await cache.get('a', load('a')), 1);
  assert.equal(loads.length, 1);
});
