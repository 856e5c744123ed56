import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Door } from '../helpers/cache-doors.ts';
import { type CacheEntries, openCacheEntries } from '../helpers/cache-entries.ts';
import { openCacheInstance } from '../helpers/cache-instances.ts';
import { openReads } from '../helpers/cache-reads.ts';
import { makeWatchedStore, withoutCheck } from '../helpers/cache-seams.ts';
import type { Known } from '../helpers/cache-truth.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';
import { type CacheCluster, openCacheCluster } from './cache-cluster.ts';
import { askEverybody, issue, warm } from './cache-load.ts';
import { startProxy } from './proxy.ts';

const YEAR_MS = 365 * 86_400_000;

let redis: TestRedis;
let entries: CacheEntries;
before(async () => {
  redis = await startRedis();
  entries = await openCacheEntries(redis.url);
});
after(async () => {
  await entries?.close();
  await redis?.close();
});

const open = (options: Partial<Parameters<typeof openCacheCluster>[0]>) =>
  openCacheCluster({ redisUrl: redis.url, count: 2, ...options });

function doorsOf({ doors }: CacheCluster): [Door, Door] {
  const [here = assert.fail(), there = assert.fail()] = doors;
  return [here, there];
}

for (const audit of ['asked', 'not asked'] as const) {
  const what =
    audit === 'asked'
      ? 'does not let a call in on a read that began before the token ended'
      : 'would let it in, if the audit log were not asked';
  it(what, async (t) => {
    const store = makeWatchedStore();
    const seams = { tokens: store.seam, ...(audit === 'not asked' && { audit: withoutCheck }) };
    const cluster = await open({ maxBytes: 0, seams });
    t.after(cluster.close);
    const { truth } = cluster;
    const [here, there] = doorsOf(cluster);
    for (const ask of [truth.reveal, truth.lookup]) {
      const known = await issue(cluster, { field: 'email' });
      const { isHeld, release } = store.holdNext();
      const early = ask(here, known);
      await isHeld;
      await truth.end([known], () => there.revoke(known.token));
      const late = ask(here, known);
      // Until it waits for the read that is held.
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      release();
      await Promise.all([early, late]);
    }
    const isClean = Object.keys(truth.wrong).length === 0;
    assert.equal(isClean, audit === 'asked', JSON.stringify(truth.wrong));
  });
}

it('does not answer from a cache when the outcome of the commit that looked was lost', async (t) => {
  const cluster = await open({ count: 1 });
  const { truth, database } = cluster;
  const [there = assert.fail()] = cluster.doors;
  const proxy = await startProxy(database.serviceUrl);
  const instance = await openCacheInstance({
    databaseUrl: proxy.url,
    openReads: openReads({ redisUrl: redis.url, maxBytes: 1_000_000 }),
  });
  t.after(async () => {
    await instance.close();
    await proxy.close();
    await cluster.close();
  });
  const here = instance.door;
  for (let round = 0; round < 8; round += 1) {
    const known = await issue(cluster, { field: 'email' });
    await truth.reveal(here, known);
    await truth.lookup(here, known);
    await truth.end([known], () => there.revoke(known.token));
    const lost = proxy.lost();
    proxy.loseAnswersTo('audit-insert', 1 + (round % 3));
    await (round % 2 === 0 ? truth.reveal(here, known) : truth.lookup(here, known));
    assert.ok(proxy.lost() > lost, 'no answer was lost');
  }
  assert.deepEqual(truth.wrong, {});
});

/** What stands in Redis when tokens are warm, and how they come to an end. */
const ENDS: Record<string, (door: Door, known: Known) => Promise<unknown>> = {
  revoked: (door, { token }) => door.revoke(token),
  erased: (door) => door.erase('the-person'),
};

for (const [how, end] of Object.entries(ENDS)) {
  it(`answers nothing of a token that was ${how} when an old snapshot of Redis is put back`, async (t) => {
    await entries.redis.flushall();
    const cluster = await open({ maxBytes: 0 });
    t.after(cluster.close);
    const { truth, instances } = cluster;
    const known = await issue(cluster, { field: 'email', subject: 'the-person' });
    const other = await issue(cluster, { field: 'name' });
    await warm(cluster, [known, other]);
    // Three names: a value and its token, and the other token.
    await entries.untilThere(3);
    const saved = await entries.save();
    await truth.end([known], () => end(cluster.doors[0] ?? assert.fail(), known));
    for (const lifeMs of [0, 60_000, YEAR_MS]) {
      // Whoever finds out cleans up: so it is put back for each call.
      for (const ask of [truth.reveal, truth.lookup]) {
        for (const door of cluster.doors) {
          await entries.restore(saved, lifeMs);
          await ask(door, known);
        }
      }
      await entries.restore(saved, lifeMs);
      await askEverybody(cluster, [known, other]);
    }
    assert.deepEqual(truth.wrong, {});
    assert.equal(truth.counts.away, 0);
    const withheld = instances.flatMap((instance) => instance.withheld);
    assert.ok(withheld.length >= 6, 'the snapshot was not believed, so nothing was shown');
  });
}

it('answers nothing of an ended token whatever names a snapshot is put back under', async (t) => {
  await entries.redis.flushall();
  const cluster = await open({ maxBytes: 0 });
  t.after(cluster.close);
  const { truth, doors } = cluster;
  const ended = await issue(cluster, { field: 'email' });
  const alive = await issue(cluster, { field: 'email' });
  await warm(cluster, [ended, alive]);
  await entries.untilThere(4);
  const saved = await entries.save();
  await truth.end([ended], () => (doors[0] ?? assert.fail()).revoke(ended.token));
  for (let shift = 0; shift < saved.length; shift += 1) {
    const moved = saved.map(({ name }, at) => {
      const { dump } = saved[(at + shift) % saved.length] ?? assert.fail();
      return { name, dump };
    });
    await entries.restore(moved, YEAR_MS);
    await askEverybody(cluster, [ended, alive]);
  }
  assert.deepEqual(truth.wrong, {});
  assert.equal(truth.counts.away, 0);
});
