import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SecretText } from '../../src/config/secret-text.ts';
import { readLeaves } from '../helpers/audit-log.ts';
import { makeServiceDoor } from '../helpers/cache-doors.ts';
import { CACHED_POLICY, NARROWED_POLICY } from '../helpers/cache-instances.ts';
import { makeTruth } from '../helpers/cache-truth.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { startRedis } from '../helpers/redis.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import { isPast } from './cache-cluster.ts';
import {
  askEverybody,
  callDuring,
  eraseOne,
  expireOne,
  issue,
  revokeOne,
  type Scene,
  warm,
} from './cache-load.ts';

const INSTANCES = 5;
const CALLERS = 8;
const HOT_TOKENS = 10;
const ROUNDS = 3;
const EXPIRES_AFTER_MS = 3_000;
const MEMORY_BYTES = 1024 * 1024;

it('serves nothing old over HTTP, from five instances of the whole service under load', async (t) => {
  const database = await createTestDatabase();
  const redis = await startRedis();
  const services: TestService[] = [];
  t.after(async () => {
    await Promise.all(services.map((service) => service.close()));
    await redis.close();
    await database.drop();
  });
  const start = async (document: string) => {
    const service = await startTestService({
      databaseUrl: database.serviceUrl,
      policies: [document],
      cache: { maxBytes: MEMORY_BYTES, redisUrl: new SecretText(redis.url) },
      ...(services[0] !== undefined && { rootKey: services[0].rootKey }),
    });
    services.push(service);
  };
  for (let more = 0; more < INSTANCES; more += 1) await start(CACHED_POLICY);
  const scene: Scene = {
    truth: makeTruth(),
    doors: services.map(makeServiceDoor),
    isPast: (atMs) => isPast(database, atMs),
  };
  const { truth } = scene;
  for (let more = 0; more < HOT_TOKENS; more += 1) {
    await issue(scene, { field: more % 2 === 0 ? 'email' : 'name' });
  }
  const hot = truth.known.slice();
  await warm(scene, hot);
  await callDuring(scene, CALLERS, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([revokeOne(scene), eraseOne(scene), expireOne(scene, EXPIRES_AFTER_MS)]);
    }
  });
  await truth.narrow(() => start(NARROWED_POLICY));
  await askEverybody(scene, hot);
  t.diagnostic(JSON.stringify(truth.counts));
  assert.deepEqual(truth.wrong, {});
  await Promise.all(services.splice(0).map((service) => service.close()));
  await assertWithheld(database.ownerUrl);
});

/** Answers were withheld, and each of them has an event that names the one about it. */
async function assertWithheld(ownerUrl: string): Promise<void> {
  const leaves = (await readLeaves(ownerUrl)).map(({ leaf }) => leaf);
  const ids = new Set(leaves.map(({ id }) => id));
  const outdated = leaves.filter(({ rsn }) => rsn === 'outdated');
  assert.ok(outdated.length >= INSTANCES, 'no cache was ever behind');
  for (const { attr } of outdated) {
    assert.ok(ids.has(String((attr as { withheld?: unknown } | undefined)?.withheld)));
  }
}
