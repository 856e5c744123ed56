import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { settleOrigin } from '../../src/adapters/postgres/audit/publisher/origin.ts';
import { startPublisher } from '../../src/adapters/postgres/audit/publisher/publisher.ts';
import { openShard } from '../../src/adapters/postgres/audit/shards.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { type LogUnderTest, openLogUnderTest, startInstance } from '../helpers/publisher.ts';

let it: LogUnderTest;
beforeEach(async () => {
  it = await openLogUnderTest();
});
afterEach(() => it.close());

test('it publishes by itself until it is closed, and not after', async () => {
  const { deps, lines } = await startInstance(it);
  const publisher = startPublisher({ ...deps, isProduction: true });
  while ((await it.published()).length === 0) await sleep(20);
  await publisher.close();
  await it.grow(1);
  await it.nextTurn();
  await sleep(1_500);
  assert.equal((await it.published()).length, 1);
  assert.deepEqual(lines, ['warn audit_not_anchored']);
});

test('a memory that all instances share is an anchor, and dev needs none', async () => {
  const heads = { ...makeFileHeadStore(await it.newFolder()), shared: true };
  const { deps, lines } = await startInstance(it, { heads });
  await startPublisher({ ...deps, isProduction: true }).close();
  assert.deepEqual(lines, []);
  const dev = await startInstance(it);
  await startPublisher({ ...dev.deps, isProduction: false }).close();
  assert(!dev.lines.includes('warn audit_not_anchored'));
});

test('a database that does not answer is told of once, and again when it does', async () => {
  const lost = makePool({ connectionString: 'postgres://nobody@127.0.0.1:1/x', max: 1, name: 't' });
  const { round, lines } = await startInstance(it, { pool: lost });
  await round();
  await round();
  assert.deepEqual(lines, ['error audit_checkpoint_failed']);
  await lost.end();
});

test('instances that create the log at the same time agree on one origin', async () => {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 8, name: 'test' });
  const settle = (name: string) =>
    settleOrigin({
      pool,
      configured: undefined,
      fallback: () => `${name}.invalid/audit`,
      open: (baseOrigin) =>
        openShard(
          { pool },
          {
            baseOrigin,
            year: 2026,
            replaces: undefined,
            vkeysOf: async () => [],
            atMs: Date.now(),
            random: randomBytes,
          },
        ),
    });
  const origins = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(settle));
  assert.equal(new Set(origins).size, 1);
  assert.match(origins[0] ?? '', /^[a-e]\.invalid\/audit$/);
  await pool.end();
  await database.drop();
});
