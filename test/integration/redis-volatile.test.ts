import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRedisClient } from '../../src/adapters/redis/client.ts';
import { makeRedisVolatileStore } from '../../src/adapters/redis/volatile-store.ts';
import { runVolatileStoreContract, volatileRow } from '../contract/volatile-store.ts';
import { sharedRedisUrl, startRedis } from '../helpers/redis.ts';

const clock = { now: () => Date.now() };

async function connect(url: string) {
  const redis = makeRedisClient({ url, failed: () => {} });
  await redis.connect();
  return { redis, store: makeRedisVolatileStore({ redis, clock }) };
}

runVolatileStoreContract('Redis', async () => {
  const { store } = await connect(sharedRedisUrl());
  return { store, now: clock.now, pass: (ms) => sleep(ms) };
});

test('an entry that somebody else wrote over is no entry, and never a crash', async () => {
  const { redis, store } = await connect(sharedRedisUrl());
  const row = volatileRow(clock.now());
  const key = `counterfoil:volatile:${row.vaultId}:${row.token}`;
  await store.put(row, 2);
  const whole = await redis.getBuffer(key);
  assert(whole !== null);
  const forged = [
    Buffer.alloc(0),
    Buffer.from('{}'),
    whole.subarray(0, 20),
    Buffer.concat([Buffer.from([2]), whole.subarray(1)]),
    Buffer.concat([whole.subarray(0, 20), Buffer.from('ffffffff', 'hex'), whole.subarray(24)]),
    randomBytes(1 << 20),
  ];
  for (const bytes of forged) {
    await redis.set(key, bytes, 'PX', 60_000);
    const found = await store.find(row);
    assert(found === undefined || !found.sealed.equals(row.sealed));
  }
  await redis.del(key);
  await redis.lpush(key, 'of another type');
  await assert.rejects(store.find(row), { code: 'store_unavailable' });
  await redis.del(key);
  await store.close();
});

test('an entry whose end was put off in Redis still ends when it was sealed to end', async () => {
  const { redis, store } = await connect(sharedRedisUrl());
  const row = volatileRow(clock.now(), { lifeMs: 300 });
  await store.put(row);
  await redis.persist(`counterfoil:volatile:${row.vaultId}:${row.token}`);
  await sleep(400);
  assert.equal(await store.find(row), undefined);
  await store.close();
});

test('what Redis keeps of a value goes by itself, the number of its reveals included', async () => {
  const { redis, store } = await connect(sharedRedisUrl());
  const row = volatileRow(clock.now(), { lifeMs: 60_000 });
  await store.put(row, 3);
  for (const name of ['', ':left']) {
    const left = await redis.pttl(`counterfoil:volatile:${row.vaultId}:${row.token}${name}`);
    assert.ok(left > 0 && left <= 60_000, `${name}: ${left}`);
  }
  await store.end(row);
  assert.deepEqual(await redis.keys(`counterfoil:volatile:*${row.token}*`), []);
  await store.close();
});

test('without Redis every call fails at once, and works again when Redis is back', async () => {
  const first = await startRedis();
  const { store } = await connect(first.url);
  const row = volatileRow(clock.now());
  await store.put(row);
  await first.kill();
  for (const call of [store.find(row), store.put(row), store.takeReveal(row), store.end(row)]) {
    await assert.rejects(call, { code: 'store_unavailable' });
  }
  const second = await startRedis({ port: Number(new URL(first.url).port) });
  const limit = performance.now() + 30_000;
  for (;;) {
    const stored = await store.put(row).catch(() => undefined);
    if (stored === true) break;
    assert.ok(performance.now() < limit, 'never came back');
    await sleep(50);
  }
  assert.deepEqual(await store.find(row), row);
  await store.close();
  await second.close();
});

test('an error carries no command: its arguments are tokens and values', async () => {
  const { redis, store } = await connect(sharedRedisUrl());
  const row = volatileRow(clock.now());
  await redis.lpush(`counterfoil:volatile:${row.vaultId}:${row.token}`, 'x');
  const failure: unknown = await store.find(row).catch((error: unknown) => error);
  const told = JSON.stringify(failure, (_key, value: unknown) =>
    value instanceof Error ? { ...value, message: value.message, cause: value.cause } : value,
  );
  assert(!told.includes(row.token), told);
  await store.end(row);
  await store.close();
});
