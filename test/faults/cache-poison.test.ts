import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import { type CacheEntries, openCacheEntries } from '../helpers/cache-entries.ts';
import {
  CACHED_POLICY,
  type CacheInstance,
  OTHER_POLICY,
  openCacheInstance,
} from '../helpers/cache-instances.ts';
import { openReads } from '../helpers/cache-reads.ts';
import { type RedisProxy, startRedisProxy } from '../helpers/cache-redis-proxy.ts';
import { makeTruth, type Truth } from '../helpers/cache-truth.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';
import { askEverybody, issue, type Scene } from './cache-load.ts';

const FILL_WITHIN_MS = 30_000;
const MIB = 1024 * 1024;
/** Flips are sampled: every so many bytes of an entry, another one in each entry. */
const FLIP_STEP = 3;

// One instance without a memory of its own: whatever it is told comes from Redis or from the store.
let redis: TestRedis;
let proxy: RedisProxy;
let entries: CacheEntries;
let database: TestDatabase;
let instance: CacheInstance;
const scenes: Scene[] = [];
before(async () => {
  redis = await startRedis();
  proxy = await startRedisProxy(redis.url);
  entries = await openCacheEntries(redis.url);
  database = await createTestDatabase();
  instance = await openCacheInstance({
    databaseUrl: database.serviceUrl,
    openReads: openReads({ redisUrl: proxy.url, maxBytes: 0 }),
    documents: [CACHED_POLICY, OTHER_POLICY],
  });
  for (const door of [instance.door, instance.otherDoor]) {
    scenes.push(await openScene(door));
  }
});
after(async () => {
  await instance?.close();
  await entries?.close();
  await proxy?.close();
  await redis?.close();
  await database?.drop();
});

/** Tokens of every kind that is cached, and one that is not: a person's secret has sealed it. */
async function openScene(door: Scene['doors'][number]): Promise<Scene> {
  const scene = { truth: makeTruth(), doors: [door], isPast: async () => false };
  await issue(scene, { field: 'email' });
  await issue(scene, { field: 'email', subject: 'person-1' });
  await issue(scene, { field: 'name' });
  await issue(scene, { field: 'name', subject: 'person-1' });
  await issue(scene, { field: 'name', expiresAtMs: Date.now() + 3_600_000 });
  return scene;
}

const truths = (): Truth[] => scenes.map(({ truth }) => truth);
const askAll = () => Promise.all(scenes.map((scene) => askEverybody(scene, scene.truth.known)));

/** Everybody gets what is right: nothing else, and no error. */
async function assertRight(label: string): Promise<void> {
  const goodBefore = truths().map(({ counts }) => counts.good);
  await askAll();
  for (const [index, { wrong, counts, known }] of truths().entries()) {
    const emails = known.filter(({ field }) => field === 'email').length;
    const asked = 2 * known.length + 2 * emails;
    assert.deepEqual(wrong, {}, label);
    assert.equal(counts.good - (goodBefore[index] ?? 0), asked, label);
  }
}

/** Entries as the service wrote them: one for each cached token, and one for each value with a fingerprint. */
let honest: Map<Buffer, Buffer>;
const ENTRIES = 2 * (4 + 2);
beforeEach(async () => {
  await entries.redis.flushall();
  // While Redis seems too slow, nothing is written.
  for (const giveUpAtMs = performance.now() + FILL_WITHIN_MS; ; ) {
    await askAll();
    if ((await entries.redis.dbsize()) === ENTRIES) break;
    assert.ok(performance.now() < giveUpAtMs, 'the cache was not filled');
  }
  honest = await entries.read();
});

/** Puts these bytes in the place of every entry. */
async function replaceAll(change: (bytes: Buffer, at: number) => Buffer): Promise<void> {
  const changed = [...honest].map(([name, bytes], at) => [name, change(bytes, at)] as const);
  const pipeline = entries.redis.pipeline();
  for (const [name, bytes] of changed) pipeline.set(name, bytes, 'PX', 3_600_000);
  await pipeline.exec();
}

it('serves from Redis what it has written there', async () => {
  const reads = proxy.commands();
  await assertRight('honest');
  assert.ok(proxy.commands() > reads);
  assert.equal(instance.withheld.length, 0);
});

it('answers right whichever byte of an entry is altered', async () => {
  const longest = Math.max(...[...honest.values()].map(({ length }) => length));
  for (let offset = 0; offset < longest; offset += FLIP_STEP) {
    await replaceAll((bytes, at) => {
      const altered = Buffer.from(bytes);
      const place = (offset + at) % bytes.length;
      altered[place] = (altered[place] ?? 0) ^ (1 << (offset % 8));
      return altered;
    });
    await assertRight(`byte ${offset}`);
  }
});

it('answers right when entries are swapped between tokens, values, fields and vaults', async () => {
  const contents = [...honest.values()];
  for (let shift = 1; shift < contents.length; shift += 1) {
    await replaceAll((bytes, at) => contents[(at + shift) % contents.length] ?? bytes);
    await assertRight(`shifted by ${shift}`);
  }
});

it('answers right when entries are cut, prolonged, emptied or of another format', async () => {
  const changes: [string, (bytes: Buffer) => Buffer][] = [
    ['empty', () => Buffer.alloc(0)],
    ['one byte', (bytes) => bytes.subarray(0, 1)],
    ['half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['without its end', (bytes) => bytes.subarray(0, -1)],
    ['without its beginning', (bytes) => bytes.subarray(1)],
    ['with one more', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['twice', (bytes) => Buffer.concat([bytes, bytes])],
    ['zeros', (bytes) => Buffer.alloc(bytes.length)],
    ['ones', (bytes) => Buffer.alloc(bytes.length, 0xff)],
    [
      'next version',
      (bytes) => Buffer.concat([Buffer.from([(bytes[0] ?? 0) + 1]), bytes.subarray(1)]),
    ],
    ['version 255', (bytes) => Buffer.concat([Buffer.from([0xff]), bytes.subarray(1)])],
    ['a prototype', () => Buffer.from('{"__proto__":{"token":"x"}}')],
    ['a number', () => Buffer.from('42')],
    ['text', () => Buffer.from('null')],
  ];
  for (const [label, change] of changes) {
    await replaceAll(change);
    await assertRight(label);
  }
});

it('answers right when lists, hashes, sets and streams stand where entries were', async () => {
  const types: [string, (name: Buffer) => Promise<unknown>][] = [
    ['list', (name) => entries.redis.lpush(name, 'x')],
    ['hash', (name) => entries.redis.hset(name, '__proto__', 'x')],
    ['set', (name) => entries.redis.sadd(name, 'x')],
    ['sorted set', (name) => entries.redis.zadd(name, 1, 'x')],
    ['stream', (name) => entries.redis.xadd(name, '*', '__proto__', 'x')],
    ['bits', (name) => entries.redis.setbit(name, 7, 1)],
  ];
  for (const [label, put] of types) {
    await entries.redis.flushall();
    for (const name of honest.keys()) await put(name);
    await assertRight(label);
  }
});

it('answers right when entries of 64 MiB stand there, and does not fetch them', async () => {
  const huge = [...honest.keys()].slice(0, 3);
  for (const name of huge) await entries.redis.setrange(name, 64 * MIB - 1, 'x');
  const before = proxy.answeredBytes();
  for (let round = 0; round < 3; round += 1) await assertRight('huge');
  assert.ok(proxy.answeredBytes() - before < MIB, `${proxy.answeredBytes() - before} bytes`);
});

it('answers right when Redis holds entries of another service under its names', async (t) => {
  const otherDatabase = await createTestDatabase();
  const other = await openCacheInstance({
    databaseUrl: otherDatabase.serviceUrl,
    openReads: openReads({ redisUrl: redis.url, maxBytes: 0 }),
  });
  t.after(async () => {
    await other.close();
    await otherDatabase.drop();
  });
  await entries.redis.flushall();
  const scene = await openScene(other.door);
  await askEverybody(scene, scene.truth.known);
  await entries.untilThere(ENTRIES / 2);
  const foreign = [...(await entries.read()).values()];
  for (let shift = 0; shift < foreign.length; shift += 1) {
    await replaceAll((_, at) => foreign[(at + shift) % foreign.length] ?? assert.fail());
    await assertRight('foreign');
  }
});

it('finds nothing under names that objects have by themselves', async () => {
  for (const token of [
    '__proto__',
    'constructor',
    'eml___proto__',
    'name_constructor',
    'toString',
  ]) {
    assert.deepEqual(await instance.door.reveal(token, 'full'), { code: 'token_not_found' });
    const value = { field: 'name', value: token };
    const made = await instance.door.tokenize(value);
    assert.ok('output' in made);
    const read = await instance.door.reveal(made.output.token, 'full');
    assert.equal('output' in read && read.output.value, token);
  }
});
