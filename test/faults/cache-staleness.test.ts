import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { readLeaves } from '../helpers/audit-log.ts';
import { NARROWED_POLICY } from '../helpers/cache-instances.ts';
import { withoutCheck } from '../helpers/cache-seams.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';
import { type CacheCluster, openCacheCluster } from './cache-cluster.ts';
import { callDuring, eraseOne, expireOne, issue, revokeOne, warm } from './cache-load.ts';

const INSTANCES = 5;
const CALLERS = 12;
const ROUNDS = 4;
const HOT_TOKENS = 20;
const EXPIRES_AFTER_MS = 2_500;

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
after(() => redis?.close());

/** Revocations, erasures and expiries, and after half of them the policy that grants less. */
async function endThings(cluster: CacheCluster): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all([
      revokeOne(cluster),
      eraseOne(cluster),
      expireOne(cluster, EXPIRES_AFTER_MS),
    ]);
    if (round === ROUNDS / 2) await cluster.truth.narrow(() => cluster.join(NARROWED_POLICY));
  }
}

it('succeeds on nothing that was over before a call began, on five instances under load', async (t) => {
  const cluster = await openCacheCluster({ redisUrl: redis.url, count: INSTANCES });
  t.after(cluster.close);
  for (let more = 0; more < HOT_TOKENS; more += 1) {
    await issue(cluster, { field: more % 2 === 0 ? 'email' : 'name' });
  }
  await warm(cluster, cluster.truth.known.slice());
  await callDuring(cluster, CALLERS, () => endThings(cluster));
  const { wrong, counts } = cluster.truth;
  t.diagnostic(JSON.stringify(counts));
  assert.deepEqual(wrong, {});
  assert.ok(counts.good > 1_000, 'this was no load');
  await assertWithheld(cluster);
});

/** Some answers were withheld, for either cause, and each of them has an event of its own that names the first. */
async function assertWithheld({ instances, database }: CacheCluster): Promise<void> {
  const withheld = instances.flatMap((instance) => instance.withheld);
  const isOver = (cause: 'cached' | 'policies') => withheld.some((one) => one[cause] > 0);
  assert.ok(isOver('cached'), 'no cache was ever behind');
  assert.ok(isOver('policies'), 'no policy was ever behind');
  const leaves = (await readLeaves(database.ownerUrl)).map(({ leaf }) => leaf);
  const ids = new Set(leaves.map(({ id }) => id));
  assert.ok(withheld.every(({ eventId }) => ids.has(eventId)));
  const outdated = leaves.filter(({ rsn }) => rsn === 'outdated');
  assert.deepEqual(
    outdated.map(({ attr }) => JSON.stringify(attr)).sort(),
    withheld.map(({ eventId }) => JSON.stringify({ withheld: eventId })).sort(),
  );
}

it('would serve what is over, if the audit log were not asked', async (t) => {
  const seams = { audit: withoutCheck };
  const cluster = await openCacheCluster({ redisUrl: redis.url, count: INSTANCES, seams });
  t.after(cluster.close);
  const { truth, doors } = cluster;
  for (let round = 0; round < 2; round += 1) {
    await revokeOne(cluster);
    await eraseOne(cluster);
  }
  await expireOne(cluster, EXPIRES_AFTER_MS);
  await truth.narrow(() => cluster.join(NARROWED_POLICY));
  const alive = await issue(cluster, { field: 'email' });
  for (const door of doors) await truth.reveal(door, alive, 'masked');
  assert.deepEqual(Object.keys(truth.wrong).sort(), [
    'lookup: a token that had ended',
    'reveal: a token that had ended',
    'reveal: a view that was no longer granted',
    'tokenize: a token that had ended',
  ]);
});
