import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { untilIntegrated } from '../../src/adapters/postgres/audit/retention/integrated.ts';
import { maintainAudit } from '../../src/adapters/postgres/audit/writer/commit.ts';
import { realClock } from '../helpers/clock.ts';
import { withClient } from '../helpers/database.ts';
import { openRetentionLog, type RetentionLog } from '../helpers/retention-log.ts';

const DAY_MS = 86_400_000;

let retention: RetentionLog;
before(async () => {
  retention = await openRetentionLog();
});
after(() => retention.close());
beforeEach(() => retention.sql('delete from audit_writer'));

const dayOf = (age: number) => new Date(Date.now() - age * DAY_MS).toISOString().slice(0, 10);
const nameOf = (age: number) => `audit_pending_${dayOf(age).replaceAll('-', '')}`;

/** A partition as it was made when its day was to come. */
async function addPartition(age: number): Promise<void> {
  await retention.sql(`create table if not exists ${nameOf(age)} partition of audit_pending
    for values from ('${dayOf(age)}') to ('${dayOf(age - 1)}')`);
}

/** A batch of `n` numbers from `first` on, as far as this test cares. */
async function addBatch(age: number, boot: number, { first = 0, n = 10 } = {}): Promise<void> {
  await withClient(retention.database.serviceUrl, (client) =>
    client.query(
      `insert into audit_pending (day, boot_id, first_seq, log_id, n, leaves, sealed_who, sealed_what, mac)
       values ($1, $2, $3, 1, $4, '', '', '', $5)`,
      [dayOf(age), Buffer.alloc(16, boot), first, n, Buffer.alloc(32)],
    ),
  );
}

async function integrate(boot: number, nextSeq: number): Promise<void> {
  await retention.sql(
    `insert into audit_writer (boot_id, next_seq, last_day) values ($1, $2, current_date)
     on conflict (boot_id) do update set next_seq = excluded.next_seq`,
    [Buffer.alloc(16, boot), nextSeq],
  );
}

/** Ages in days of the partitions that are there, of those that this test deals with. */
async function ages(): Promise<number[]> {
  const rows = await retention.sql(`select inhrelid::regclass::text as name from pg_inherits
    where inhparent = 'audit_pending'::regclass`);
  const names = new Set(rows.map(({ name }) => name));
  return [9, 8, 5, 4, 3, 2, 1, 0].filter((age) => names.has(nameOf(age)));
}

test('pending batches older than yesterday go once they are in the tree, a day at each maintenance', async () => {
  for (const age of [5, 4, 1]) await addPartition(age);
  await addBatch(5, 1);
  await addBatch(4, 1, { first: 10 });
  await addBatch(1, 1, { first: 20 });
  await integrate(1, 30);
  await maintainAudit(retention.pool);
  assert.deepEqual(await ages(), [4, 1, 0]);
  await maintainAudit(retention.pool);
  await maintainAudit(retention.pool);
  assert.deepEqual(await ages(), [1, 0]);
});

test('not one event is dropped that is not in the tree', async () => {
  await addPartition(5);
  await addPartition(3);
  await addBatch(5, 2);
  await addBatch(5, 3, { n: 1 });
  await addBatch(5, 4, { first: 7, n: 3 });
  await addBatch(3, 5);
  const stays = async () => {
    await maintainAudit(retention.pool);
    assert.deepEqual((await ages()).slice(0, 1), [5]);
  };
  await stays();
  await integrate(2, 10);
  await integrate(3, 0);
  await integrate(4, 10);
  await integrate(5, 9);
  await stays();
  await integrate(3, 1);
  await integrate(4, 9);
  await stays();
  await integrate(4, 10);
  await maintainAudit(retention.pool);
  assert.deepEqual(await ages(), [3, 1, 0]);
  // A day that is stuck does not keep the others.
  await addPartition(2);
  await maintainAudit(retention.pool);
  assert.deepEqual(await ages(), [3, 1, 0]);
  await integrate(5, 10);
  await maintainAudit(retention.pool);
  assert.deepEqual(await ages(), [1, 0]);
});

test('who is at work on an old day is not disturbed, and writers are not held up', async () => {
  await addPartition(9);
  await withClient(retention.database.ownerUrl, async (client) => {
    await client.query('begin');
    await client.query('select from audit_pending');
    await maintainAudit(retention.pool);
    assert.deepEqual((await ages())[0], 9);
    await addBatch(0, 6);
    await client.query('commit');
  });
  await maintainAudit(retention.pool);
  assert.deepEqual((await ages())[0], 1);
});

test('what is dropped stays dropped: the maintenance makes no old day anew', async () => {
  await maintainAudit(retention.pool);
  const rows = await retention.sql(`select count(*)::int as n from pg_inherits
    where inhparent = 'audit_pending'::regclass`);
  assert.deepEqual(rows, [{ n: 9 }]);
  await assert.rejects(addBatch(9, 7), /no partition/);
});

test('waiting for the tree waits for what was durable before, and for no more', async () => {
  const wait = (withinMs: number) => untilIntegrated({ ...retention, clock: realClock }, withinMs);
  // What the tests before have left.
  for (const boot of [1, 2, 3, 4, 5, 6]) await integrate(boot, 100);
  assert.equal(await wait(0), true);
  await addBatch(0, 8);
  await addBatch(1, 9, { first: 5 });
  assert.equal(await wait(0), false);
  await integrate(8, 10);
  assert.equal(await wait(0), false);
  const waiting = wait(10_000);
  await realClock.sleep(150);
  await addBatch(0, 8, { first: 10 });
  await integrate(9, 15);
  assert.equal(await waiting, true);
});
