import assert from 'node:assert/strict';
import { after, before, it, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { type CacheInstance, openCacheInstance } from '../helpers/cache-instances.ts';
import { openReads } from '../helpers/cache-reads.ts';
import { type Illness, type RedisProxy, startRedisProxy } from '../helpers/cache-redis-proxy.ts';
import { makeWatchedStore } from '../helpers/cache-seams.ts';
import { makeTruth } from '../helpers/cache-truth.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';
import { askEverybody, callDuring, issue, revokeOne, type Scene, warm } from './cache-load.ts';

const CALLERS = 16;
const TOKENS = 10;
/** Calls that are answered while Redis is ill, before anything is counted. */
const SETTLE_CALLS = 100;
const CALLS = 400;
const WITHIN_MS = 60_000;
const READS = ['get', 'mget', 'getrange', 'getex'];

let redis: TestRedis;
let port: number;
let proxy: RedisProxy;
let database: TestDatabase;
let instance: CacheInstance;
let scene: Scene;
const store = makeWatchedStore();
before(async () => {
  redis = await startRedis();
  port = Number(new URL(redis.url).port);
  proxy = await startRedisProxy(redis.url);
  database = await createTestDatabase();
  instance = await openCacheInstance({
    databaseUrl: database.serviceUrl,
    openReads: openReads({ redisUrl: proxy.url, maxBytes: 0 }),
    seams: { tokens: store.seam },
  });
  scene = { truth: makeTruth(), doors: [instance.door], isPast: async () => false };
  for (let more = 0; more < TOKENS; more += 1) {
    await issue(scene, { field: more % 2 === 0 ? 'email' : 'name' });
  }
});
after(async () => {
  await instance?.close();
  await proxy?.close();
  await redis?.close();
  await database?.drop();
});

const { counts: noCounts } = makeTruth();
const counts = () => scene?.truth.counts ?? noCounts;

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + WITHIN_MS;
  while (!(await isTrue())) {
    assert.ok(performance.now() < giveUpAtMs, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Reads come from Redis, and the store is spared. */
async function assertUsed(): Promise<void> {
  await until('Redis is used', async () => {
    const before = store.reads();
    await warm(scene, scene.truth.known.slice(0, 4));
    return store.reads() === before;
  });
}

/**
 * Callers get what is right, and no error, while Redis is ill; of all that they ask, only a few wait for it.
 * Afterwards it is used again by itself.
 */
async function assertUnharmed(t: TestContext, ill: () => unknown, well: () => unknown) {
  await assertUsed();
  await ill();
  await callDuring(scene, CALLERS, async () => {
    const start = counts().good;
    await until('the first calls are answered', () => counts().good > start + SETTLE_CALLS);
    const [good, commands] = [counts().good, proxy.commands(...READS)];
    await until('calls are answered', () => counts().good > good + CALLS);
    await revokeOne(scene);
    const [more, asked] = [counts().good - good, proxy.commands(...READS) - commands];
    t.diagnostic(`${asked} questions to Redis in ${more} calls`);
    assert.ok(asked < more / 8, 'callers waited for Redis');
    await well();
    await until('Redis is asked again', () => proxy.commands(...READS) > commands + asked);
  });
  assert.deepEqual(scene.truth.wrong, {});
  assert.equal(counts().away, 0);
  await assertUsed();
}

const ILLNESSES: [string, Illness][] = [
  ['is half open', { kind: 'silent' }],
  ['takes 30 ms', { kind: 'delay', ms: 30 }],
  ['takes 200 ms', { kind: 'delay', ms: 200 }],
  ['refuses connections', { kind: 'refuse' }],
  ['is loading', { kind: 'error', line: 'LOADING Redis is loading the dataset in memory' }],
  ['has lost its master', { kind: 'error', line: 'MASTERDOWN Link with MASTER is down' }],
  ['wants a password', { kind: 'error', line: 'NOAUTH Authentication required.' }],
  ['moved', { kind: 'error', line: 'MOVED 1 127.0.0.1:1' }],
];
for (const [what, illness] of ILLNESSES) {
  it(`answers right and does not wait while Redis ${what}`, (t) =>
    assertUnharmed(
      t,
      () => proxy.set(illness),
      () => proxy.set({ kind: 'pass' }),
    ));
}

/** Runs commands on a connection of their own. */
async function command<T>(run: (client: Redis) => Promise<T>, url = redis.url): Promise<T> {
  const client = new Redis(url);
  client.on('error', () => {});
  try {
    return await run(client);
  } finally {
    client.disconnect();
  }
}

it('answers right and does not wait while Redis is paused', async (t) => {
  const info = await command((client) => client.info('server'));
  const pid = Number(/process_id:(\d+)/.exec(info)?.[1]);
  t.after(() => process.kill(pid, 'SIGCONT'));
  await assertUnharmed(
    t,
    () => process.kill(pid, 'SIGSTOP'),
    () => process.kill(pid, 'SIGCONT'),
  );
});

it('answers right and does not wait while Redis is dead', (t) =>
  assertUnharmed(
    t,
    () => redis.kill(),
    async () => {
      redis = await startRedis({ port });
    },
  ));

it('answers right while Redis is full, and what it has is served', async (t) => {
  await assertUsed();
  await command((client) => client.config('SET', 'maxmemory', '1'));
  t.after(() => command((client) => client.config('SET', 'maxmemory', '0')));
  await askEverybody(scene, scene.truth.known.slice(0, 4));
  // A read that comes too late goes to the store: not every one is Redis's on a busy machine.
  await assertUsed();
  const fresh = await issue(scene, { field: 'email' });
  await askEverybody(scene, [fresh]);
  await revokeOne(scene);
  assert.deepEqual(scene.truth.wrong, {});
  assert.equal(counts().away, 0);
});

it('answers right while Redis takes no writes', async (t) => {
  await assertUsed();
  await command((client) => client.call('REPLICAOF', '127.0.0.1', '1'));
  t.after(() => command((client) => client.call('REPLICAOF', 'NO', 'ONE')));
  const fresh = await issue(scene, { field: 'email' });
  await askEverybody(scene, [fresh, ...scene.truth.known.slice(0, 4)]);
  await revokeOne(scene);
  assert.deepEqual(scene.truth.wrong, {});
  assert.equal(counts().away, 0);
});

it('starts and answers right while Redis has another password', async (t) => {
  await command((client) => client.config('SET', 'requirepass', 'other'));
  proxy.cut();
  const late = await openCacheInstance({
    databaseUrl: database.serviceUrl,
    openReads: openReads({ redisUrl: withPassword(proxy.url, 'mine'), maxBytes: 0 }),
  });
  t.after(async () => {
    await late.close();
    const url = withPassword(redis.url, 'other');
    await command((client) => client.config('SET', 'requirepass', ''), url);
  });
  const doors = [instance.door, late.door];
  await askEverybody({ ...scene, doors }, scene.truth.known.slice(0, 4));
  assert.deepEqual(scene.truth.wrong, {});
  assert.equal(counts().away, 0);
});

function withPassword(url: string, password: string): string {
  const locked = new URL(url);
  locked.password = password;
  return locked.href;
}
