import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Pool } from 'pg';
import { makeLogLeaf } from '../../src/adapters/postgres/audit/log-leaf.ts';
import { appendBlocks } from '../../src/adapters/postgres/audit/segment.ts';
import { blockOfEvents } from '../../src/adapters/postgres/audit/segment-block.ts';
import { makeAuditWriter } from '../../src/adapters/postgres/audit/writer/writer.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { inTransaction } from '../../src/adapters/postgres/session.ts';
import { makeReadiness } from '../../src/app/readiness.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { openFilledLog, sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';
import { assertLogged, readWholeLog } from './whole-log.ts';

// What holds although a lock or a key does not.

let database: TestDatabase;
let pool: Pool;
let keysets: Keysets;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  keysets = await openKeysets(pool);
});
after(async () => {
  await pool.end();
  await database.drop();
});

it('takes a segment at exactly the end of the tree only, even from one that has no lock', async () => {
  const log = await openFilledLog({ pool, keysets });
  await log.append([sampleEvent()]);
  const append = (edge = makeEdge()) => {
    const key = { operation: 'log.key', attributes: { vkey: 'another' } } as const;
    const events = [makeLogLeaf(key, { atMs: clock.now(), random: randomBytes })];
    const blocks = [blockOfEvents(events)];
    const target = { logId: log.logId, edge, writers: [], blocks };
    return inTransaction(pool, (session) => appendBlocks(session, target));
  };
  // As one that did not see the first leaf, and as one that believes in a leaf which was never stored.
  const ahead = makeEdge();
  ahead.append(randomBytes(2 * 32));
  await assert.rejects(append(), VaultError);
  await assert.rejects(append(ahead), VaultError);
  assert.equal((await readWholeLog(database))[0]?.size, 1);
  // Two who both stand at the end: one gets there first.
  const state = log.edge.state();
  const both = await Promise.allSettled([append(makeEdge(state)), append(makeEdge(state))]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  const shards = await readWholeLog(database);
  assert.equal(shards[0]?.size, 2);
  assertLogged(shards, log.ids);
});

it('takes no event and is not ready while the key of the batches cannot be had, and recovers', async () => {
  let isAway = true;
  const auditMac = async () => {
    if (isAway) throw new VaultError('key_unavailable');
    return keysets.auditMac();
  };
  const writer = makeAuditWriter({
    pool,
    clock,
    keysets: { ...keysets, auditMac },
    random: randomBytes,
    vaultIdOf: () => undefined,
    logId: 1,
  });
  const { check } = makeReadiness({
    database: { requests: pool, audit: pool },
    keysets: { auditMac },
  });
  await assert.rejects(writer.append(revealEvent), { code: 'audit_unavailable' });
  const { ok, checks } = await check();
  assert.deepEqual(
    [ok, checks],
    [false, { store: true, audit: true, keys: false, accepting: true }],
  );
  isAway = false;
  await writer.append(revealEvent);
  assert.equal((await check()).ok, true);
  await writer.close(5_000);
});
