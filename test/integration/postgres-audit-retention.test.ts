import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { appendSegment } from '../../src/adapters/postgres/audit/segment.ts';
import { lockShard } from '../../src/adapters/postgres/audit/shard-lock.ts';
import type { AuditAlarm } from '../../src/adapters/postgres/audit/writer/keeper.ts';
import { inTransaction } from '../../src/adapters/postgres/session.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { assertGapFree, leavesByWriter, openAuditLog, readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { integratePending, openShard, readTree } from '../helpers/integrate-pending.ts';

const WAIT_MS = 20_000;
const UNAVAILABLE = { name: 'VaultError', code: 'audit_unavailable' };

let database: TestDatabase;
let log: Awaited<ReturnType<typeof openAuditLog>> | undefined;
const alarms: AuditAlarm[] = [];

/** A writer whose alarms are noted; the test's end closes it. */
async function open(options: Parameters<typeof openAuditLog>[1] = {}) {
  alarms.length = 0;
  log = await openAuditLog(database.serviceUrl, {
    alarm: (alarm) => alarms.push(alarm),
    ...options,
  });
  return log;
}

before(async () => {
  database = await createTestDatabase();
  const first = await openAuditLog(database.serviceUrl);
  await openShard(first.pool, '2026');
  await first.close();
});
afterEach(async () => {
  await log?.close();
  await tamper('delete from audit_pending');
});
after(() => database.drop());

/** What the owner of the database can do: triggers do not stop who switches them off. */
const tamper = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, async (client) => {
    await client.query('set session_replication_role = replica');
    return client.query(text, values);
  });

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const untilMs = performance.now() + WAIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < untilMs, `it did not come to this: ${what}`);
    await sleep(20);
  }
}

const heard = (kind: AuditAlarm['kind']) => alarms.filter((alarm) => alarm.kind === kind);

it('keeps what is durable until the tree has it, and then lets it go', async () => {
  const { writer, pool, keysets } = await open();
  const receipts = await Promise.all(Array.from({ length: 50 }, () => writer.append(revealEvent)));
  assert.ok(writer.unintegrated().events >= 50);
  assert.equal(await writer.reached('integrated', 300), false);
  await integratePending({ pool, keysets });
  assert.equal(await writer.reached('integrated', WAIT_MS), true);
  assert.deepEqual(writer.unintegrated(), { events: 0, ageSeconds: 0 });
  const tree = await readTree(pool);
  assert.ok(receipts.every(({ eventId }) => tree.includes(eventId)));
  assert.deepEqual(alarms, []);
});

it('waits for no event that was committed after the call', async () => {
  const { writer, pool, keysets } = await open();
  await writer.append(revealEvent);
  const reached = writer.reached('integrated', WAIT_MS);
  await integratePending({ pool, keysets });
  await writer.append(revealEvent);
  assert.equal(await reached, true);
  assert.ok(writer.unintegrated().events >= 1);
});

it('puts a deleted row back as it was, and the tree gets its events once', async () => {
  const { writer, pool, keysets } = await open({ limits: { missingAfterMs: 100 } });
  const { eventId } = await writer.append(revealEvent);
  const mine = 'from audit_pending where written_at = (select max(written_at) from audit_pending)';
  const [before] = (await tamper(`select * ${mine}`)).rows;
  for (let round = 0; round < 2; round += 1) {
    await tamper('delete from audit_pending where mac = $1', [before.mac]);
    await until(() => heard('restored').length > round, 'the row is put back');
  }
  const [back] = (await tamper('select * from audit_pending where mac = $1', [before.mac])).rows;
  assert.deepEqual({ ...back, written_at: 0 }, { ...before, written_at: 0 });
  const reached = writer.reached('integrated', WAIT_MS);
  await integratePending({ pool, keysets });
  assert.equal(await reached, true);
  assert.equal((await readTree(pool)).filter((id) => id === eventId).length, 1);
  assert.deepEqual(heard('lost'), []);
});

/** The newest batch, and its first leaf. */
async function newestBatch(pool: Pool) {
  const { rows } = await pool.query(
    `select boot_id as "bootId", first_seq::int as "firstSeq", n as count, day::text, leaves
     from audit_pending order by written_at desc limit 1`,
  );
  return rows.map(({ leaves, ...batch }) => {
    const text = String(decodeLeaves(leaves, batch.count)[0]);
    return { batch, leaf: { text } };
  }) as [
    {
      batch: { bootId: Buffer; firstSeq: number; count: number; day: string };
      leaf: { text: string };
    },
  ];
}

const EDITS = {
  'its leaves': `leaves = set_byte(leaves, 9, get_byte(leaves, 9) # 1)`,
  'its terms': `terms = null`,
  'its MAC': `mac = sha256(mac)`,
};
for (const [what, edit] of Object.entries(EDITS)) {
  it(`leaves a row alone in which ${what} was edited, says so once, and claims nothing about it`, async () => {
    const { writer, pool, keysets } = await open({ limits: { missingAfterMs: 100 } });
    await writer.append(revealEvent);
    const reached = writer.reached('integrated', WAIT_MS);
    const name = 'written_at = (select max(written_at) from audit_pending)';
    await tamper(`update audit_pending set ${edit} where ${name}`);
    const [edited] = (await tamper(`select * from audit_pending where ${name}`)).rows;
    await until(() => heard('altered').length > 0, 'the edit is reported');
    await sleep(600);
    assert.equal(heard('altered').length, 1);
    assert.deepEqual(heard('restored'), []);
    const [after] = (await tamper(`select * from audit_pending where ${name}`)).rows;
    assert.deepEqual(after, edited);
    // The tree goes on behind a gap: something intact has to follow for this to be a segment.
    await writer.append(revealEvent);
    await writer.append(revealEvent);
    await integratePending({ pool, keysets });
    assert.equal(await reached, false);
    assert.equal(heard('lost').length, 1);
    assert.equal(await writer.reached('integrated', WAIT_MS), true, 'the next events go their way');
  });
}

it('believes the leaves in the tree, and not an index and a number that anybody may have written', async () => {
  const { writer, pool } = await open();
  await writer.append(revealEvent);
  const [{ leaf, batch }] = await newestBatch(pool);
  const reached = writer.reached('integrated', WAIT_MS);
  // With the service's role, but without keys: another leaf in its place, and found by its id.
  await inTransaction(pool, async (session) => {
    const held = await lockShard(session);
    assert.ok(held?.edge);
    const bytes = Buffer.from(leaf.text.replace('"rc":200', '"rc":201'));
    const forged = readLeaf(bytes);
    assert.ok(forged);
    const nothing = { vaultId: 0, sealed: Buffer.alloc(0) };
    const events = Array.from({ length: batch.count }, () => {
      return { bytes, leaf: forged, who: nothing, what: nothing, terms: [] };
    });
    const { logId, edge } = held;
    const writers = [{ ...batch, nextSeq: batch.firstSeq + batch.count, closed: false }];
    await appendSegment(session, { logId, edge, events, writers });
  });
  assert.equal(await reached, false);
  assert.equal(heard('lost').length, 1);
});

it('never puts back what is in the tree, although its row is gone', async () => {
  const { writer, pool, keysets } = await open({ limits: { missingAfterMs: 0 } });
  for (let round = 0; round < 10; round += 1) {
    const { eventId } = await writer.append(revealEvent);
    await integratePending({ pool, keysets });
    await tamper('delete from audit_pending');
    await sleep(30 * (round % 4));
    assert.ok((await readTree(pool)).includes(eventId));
  }
  assert.equal(await writer.reached('integrated', WAIT_MS), true);
  assert.equal((await readLeaves(database.ownerUrl)).length, 0);
  assert.deepEqual(alarms, []);
});

for (const limits of [{ maxEvents: 20 }, { maxBytes: 20_000 }]) {
  const name = Object.keys(limits)[0];
  it(`refuses events while ${name} of them are not in the tree, and takes them again by itself`, async () => {
    const reasons: string[] = [];
    const { writer, pool, keysets } = await open({
      limits,
      watch: {
        committed: () => {},
        failed: (reason) => reasons.push(reason),
        fault: () => {},
        withheld: () => {},
      },
    });
    await Promise.all(Array.from({ length: 30 }, () => writer.append(revealEvent)));
    await assert.rejects(writer.append(revealEvent), UNAVAILABLE);
    assert.deepEqual(reasons, ['backlog']);
    await integratePending({ pool, keysets });
    await until(() => writer.unintegrated().events === 0, 'the backlog is noticed to be gone');
    await writer.append(revealEvent);
  });
}

it('refuses events while one is too old, tells of the delay, and that it is over', async () => {
  const { writer, pool, keysets } = await open({ limits: { maxAgeMs: 400, alarmAfterMs: 200 } });
  await writer.append(revealEvent);
  await until(() => writer.unintegrated().ageSeconds > 0.4, 'the event is old');
  await assert.rejects(writer.append(revealEvent), UNAVAILABLE);
  await until(() => heard('behind').length > 0, 'the delay is told of');
  await integratePending({ pool, keysets });
  await until(() => heard('caught_up').length > 0, 'the end of the delay is told of');
  await writer.append(revealEvent);
  assert.equal(heard('behind').length, 1);
});

it('shows that it lives while nothing happens, with numbers that have no hole', async () => {
  const { writer, close } = await open({ limits: { heartbeatMs: 200 } });
  await writer.append(revealEvent);
  const beats = async () =>
    (await readLeaves(database.ownerUrl)).filter(
      ({ leaf }) => leaf.op === 'audit.writer.heartbeat',
    );
  await until(async () => (await beats()).length >= 2, 'two heartbeats');
  await writer.append(revealEvent);
  await close();
  log = undefined;
  const [last] = (await beats()).slice(-1);
  const writers = await leavesByWriter(database.ownerUrl);
  const own = writers.find((leaves) => leaves[0]?.boot === last?.boot) ?? [];
  assert.deepEqual(
    own.map(({ seq }) => seq),
    own.map((_, index) => index),
  );
  assert.equal(own.at(-1)?.leaf.op, 'audit.writer.stop');
  await assertGapFree(database.ownerUrl);
});
