import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRedisCache, type RedisCache } from '../../src/adapters/redis/cache.ts';
import { makeRedisClient, type RedisClient } from '../../src/adapters/redis/client.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';

const PAUSES = { firstMs: 20, maxMs: 80 };
const MINUTE_MS = 60_000;

let server: TestRedis;
let redis: RedisClient;
let cache: RedisCache;
/** Somebody else, who may do anything. */
let intruder: RedisClient;
before(async () => {
  server = await startRedis();
  [redis, intruder] = [connect(), connect()];
  await Promise.all([redis.connect(), intruder.connect()]);
  cache = makeRedisCache({ redis, clock, pauses: PAUSES });
});
after(async () => {
  await cache?.close();
  intruder?.disconnect();
  await server?.close();
});

const connect = () => makeRedisClient({ url: server.url, failed: () => {} });
const newName = () => randomBytes(16).toString('base64url');
const keyOf = (name: string) => `counterfoil:cache:${name}`;

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  assert.fail(what);
}

/** Asks until it is there: a machine that is busy may be slower than the cache waits. */
async function findEventually(name: string): Promise<Buffer> {
  let found: Buffer | undefined;
  await until(async () => {
    [found] = await cache.get([name]);
    return found !== undefined;
  }, 'it is not found');
  return found ?? assert.fail();
}

const isUsable = () => until(() => !cache.reading().isOpen, 'it does not come back');

/** Puts an entry, and sees that it is stored. */
async function put(name: string, bytes: Buffer, lifeMs = MINUTE_MS): Promise<void> {
  await until(async () => {
    cache.put(name, bytes, lifeMs);
    await sleep(5);
    return (await intruder.exists(keyOf(name))) === 1;
  }, 'it is not stored');
}

it('gives back what was put, in order, and nothing for what was not', async () => {
  const names = [newName(), newName(), newName()] as const;
  const entries = [randomBytes(100), randomBytes(64 * 1024)] as const;
  await put(names[0], entries[0]);
  await put(names[2], entries[1]);
  await findEventually(names[0]);
  await until(async () => {
    const found = await cache.get(names);
    return found[0] !== undefined && found[2] !== undefined && found[1] === undefined;
  }, 'not all are found');
  assert.deepEqual(await findEventually(names[0]), entries[0]);
  assert.deepEqual(await findEventually(names[2]), entries[1]);
});

it('lets entries end with their life, and drops them when told to', async () => {
  const [kept, dropped] = [newName(), newName()];
  await put(kept, randomBytes(10), 12_345);
  const lifeMs = await intruder.pttl(keyOf(kept));
  assert.ok(lifeMs > 0 && lifeMs <= 12_345);
  await put(dropped, randomBytes(10));
  await until(async () => {
    cache.drop([dropped]);
    return (await intruder.exists(keyOf(dropped))) === 0;
  }, 'it is not dropped');
});

it('takes what is too long or of another type for nothing, and gives its neighbours', async () => {
  const [good, long, list] = [newName(), newName(), newName()];
  await put(good, Buffer.from('good'));
  await intruder.set(keyOf(long), Buffer.alloc(64 * 1024 * 1024, 1));
  await intruder.lpush(keyOf(list), 'x');
  await until(async () => (await cache.get([good]))[0] !== undefined, 'it does not answer');
  let found: readonly (Buffer | undefined)[] = [];
  await until(async () => {
    found = await cache.get([long, good, list]);
    return found[1] !== undefined;
  }, 'the neighbour is not found');
  assert.deepEqual(found, [undefined, Buffer.from('good'), undefined]);
  await intruder.del(keyOf(long));
});

it('keeps no entry of more than 64 KiB', async () => {
  const [long, marker] = [newName(), newName()];
  cache.put(long, randomBytes(64 * 1024 + 1), MINUTE_MS);
  await put(marker, randomBytes(10));
  assert.equal(await intruder.exists(keyOf(long)), 0);
});

it('has nothing while Redis is paused, asks it no more after the first time, and comes back', async () => {
  const name = newName();
  await put(name, Buffer.from('there'));
  await findEventually(name);
  await intruder.call('client', 'pause', '3000', 'all');
  assert.deepEqual(await cache.get([name]), [undefined]);
  assert.equal(cache.reading().isOpen, true);
  const { failures } = cache.reading();
  for (let times = 0; times < 100; times += 1) {
    assert.deepEqual(await cache.get([name]), [undefined]);
  }
  assert.equal(cache.reading().failures, failures, 'nobody else waited for it');
  assert.deepEqual(await findEventually(name), Buffer.from('there'));
});

it('has nothing while Redis is gone, and comes back with it', async () => {
  const gone = await startRedis();
  const client = makeRedisClient({ url: gone.url, failed: () => {} });
  await client.connect();
  const own = makeRedisCache({ redis: client, clock, pauses: PAUSES });
  try {
    const name = newName();
    await gone.kill();
    assert.deepEqual(await own.get([name]), [undefined]);
    own.put(name, Buffer.from('lost'), MINUTE_MS);
    own.drop([name]);
    await until(() => own.reading().isOpen, 'it is not noticed');
    const again = await startRedis({ port: Number(new URL(gone.url).port) });
    try {
      await until(async () => {
        own.put(name, Buffer.from('again'), MINUTE_MS);
        await sleep(5);
        return (await own.get([name]))[0] !== undefined;
      }, 'it does not come back');
    } finally {
      await again.close();
    }
  } finally {
    await own.close();
  }
});

it('still reads from a Redis that is full', async () => {
  await isUsable();
  const name = newName();
  await put(name, Buffer.from('there'));
  await intruder.config('SET', 'maxmemory', '1');
  try {
    const { failures } = cache.reading();
    const lost = newName();
    await until(() => {
      cache.put(lost, randomBytes(10), MINUTE_MS);
      return cache.reading().failures > failures;
    }, 'nothing was refused');
    assert.deepEqual(await findEventually(name), Buffer.from('there'));
    assert.equal(await intruder.exists(keyOf(lost)), 0);
  } finally {
    await intruder.config('SET', 'maxmemory', '0');
  }
});
