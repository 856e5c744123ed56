import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeTokenReads } from '../../src/adapters/cache/token-reads.ts';
import type { ReadNotes } from '../../src/operations/ports/token-reads.ts';
import type { StoredToken, TokenKey } from '../../src/operations/ports/token-store.ts';
import { openCacheInstance } from '../helpers/cache-instances.ts';
import { openReads } from '../helpers/cache-reads.ts';
import { makeWatchedStore } from '../helpers/cache-seams.ts';
import { makeTruth } from '../helpers/cache-truth.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startRedis, type TestRedis } from '../helpers/redis.ts';
import { issue, type Scene } from './cache-load.ts';

const CALLS = 500;
const MIB = 1024 * 1024;
/** Rows of a KiB each: without a bound, more than 400 MiB. */
const DISTINCT = 300_000;
const SEALED_BYTES = 1_024;

let database: TestDatabase;
let redis: TestRedis;
before(async () => {
  database = await createTestDatabase();
  redis = await startRedis();
});
after(async () => {
  await redis?.close();
  await database?.drop();
});

const CACHES = {
  'a memory of its own': () => ({ maxBytes: MIB }),
  Redis: () => ({ maxBytes: 0, redisUrl: redis.url }),
  both: () => ({ maxBytes: MIB, redisUrl: redis.url }),
};
for (const [what, caches] of Object.entries(CACHES)) {
  it(`reads a cold token once for 500 callers at once, with ${what}`, async (t) => {
    const store = makeWatchedStore();
    const instance = await openCacheInstance({
      databaseUrl: database.serviceUrl,
      openReads: openReads(caches()),
      seams: { tokens: store.seam },
    });
    t.after(instance.close);
    const scene: Scene = {
      truth: makeTruth(),
      doors: [instance.door],
      isPast: async () => false,
    };
    const { truth } = scene;
    for (const ask of [truth.reveal, truth.lookup, truth.tokenize]) {
      const known = await issue(scene, { field: 'email' });
      const before = store.reads();
      await Promise.all(Array.from({ length: CALLS }, () => ask(instance.door, known)));
      assert.equal(store.reads() - before, 1, ask.name);
    }
    assert.deepEqual(truth.wrong, {});
    assert.equal(truth.counts.good, 3 * CALLS);
  });
}

it('works with all caches switched off', async (t) => {
  const store = makeWatchedStore();
  const instance = await openCacheInstance({
    databaseUrl: database.serviceUrl,
    openReads: openReads({ maxBytes: 0 }),
    seams: { tokens: store.seam },
  });
  t.after(instance.close);
  const scene: Scene = { truth: makeTruth(), doors: [instance.door], isPast: async () => false };
  const { truth } = scene;
  const known = await issue(scene, { field: 'email' });
  const before = store.reads();
  for (const ask of [truth.reveal, truth.reveal, truth.lookup, truth.tokenize]) {
    await ask(instance.door, known);
  }
  await truth.end([known], () => instance.door.revoke(known.token));
  await truth.reveal(instance.door, known);
  await truth.lookup(instance.door, known);
  assert.deepEqual(truth.wrong, {});
  assert.deepEqual(truth.counts, { good: 4, gone: 2, away: 0 });
  // One of them for the revocation itself.
  assert.equal(store.reads() - before, 7);
  assert.equal(instance.withheld.length, 0);
});

/** Bytes are copied by whoever keeps them. */
const sealed = Buffer.alloc(SEALED_BYTES, 7);
const createdAt = new Date();

const rowOf = ({ token, shard }: Pick<TokenKey, 'token' | 'shard'>): StoredToken => ({
  token,
  shard,
  fieldId: 1,
  sealed,
  createdAt,
  readAtMs: Date.now(),
});

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

const MAX_MIB = 8;
it(`keeps its memory below ${MAX_MIB} MiB and a little, however many tokens are asked for`, async () => {
  const reads = makeTokenReads({
    store: {
      find: async (key) => rowOf(key),
      findByFingerprint: async ({ shard, fingerprint }) =>
        rowOf({ token: `value_${fingerprint.digest.toString('hex')}`, shard }),
    },
    clock,
    maxBytes: MAX_MIB * MIB,
  });
  const notes = (): ReadNotes => ({ isFresh: false, cached: [] });
  const before = process.memoryUsage();
  let peakBytes = 0;
  for (let at = 0; at < DISTINCT; at += 1) {
    const place = { vaultId: 1, shard: at % 256 };
    if (at % 4 === 0) {
      const digest = Buffer.alloc(16);
      digest.writeUInt32BE(at);
      const fingerprint = { version: 1, digest };
      await reads.findByFingerprint({ ...place, fieldId: 1, fingerprint }, notes());
    } else await reads.find({ ...place, token: `tok_${at}` }, notes());
    if (at % 1_000 === 0) peakBytes = Math.max(peakBytes, reads.size().bytes);
  }
  // What is left when the collector has been, whose own time comes late or early.
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  assert.ok(peakBytes <= MAX_MIB * MIB, `${peakBytes} bytes`);
  const grownMib = (heapUsed + external - before.heapUsed - before.external) / MIB;
  // Without the bound it would be over 300.
  assert.ok(grownMib < 4 * MAX_MIB, `grown by ${grownMib} MiB`);
});
