import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditAlarm } from '../../src/adapters/postgres/audit/writer/keeper.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { leavesByWriter, openAuditLog } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { integratePending, openShard, readTree } from '../helpers/integrate-pending.ts';

const WAIT_MS = 20_000;
const SHORT_MS = 400;

let database: TestDatabase;
let log: Awaited<ReturnType<typeof openAuditLog>> | undefined;
const open = async (options: Parameters<typeof openAuditLog>[1] = {}) => {
  log = await openAuditLog(database.serviceUrl, options);
  return log;
};

before(async () => {
  database = await createTestDatabase();
  const first = await openAuditLog(database.serviceUrl);
  await openShard(first.pool, '2026');
  await first.close();
});
afterEach(() => log?.close());
after(() => database.drop());

const sql = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, (client) => client.query(text, values));
/** Publishes a checkpoint of a shard as far as it is now; nothing here looks at the note. */
const publish = (shard: string) =>
  sql('select audit_publish(log_id, size, root, $2) from audit_log where shard = $1', [shard, '-']);

it('counts events as covered by a checkpoint only when they are in the tree and it is published', async () => {
  const { writer, pool, keysets } = await open();
  await publish('2026');
  await writer.append(revealEvent);
  assert.equal(await writer.reached('checkpointed', SHORT_MS), false, 'not in the tree');
  await publish('2026');
  await integratePending({ pool, keysets });
  assert.equal(await writer.reached('integrated', WAIT_MS), true);
  assert.equal(await writer.reached('checkpointed', SHORT_MS), false, 'not published');
  const reached = writer.reached('checkpointed', WAIT_MS);
  await publish('2026');
  assert.equal(await reached, true);
});

it('waits for the last checkpoint of a shard that is frozen meanwhile', async () => {
  const { writer, pool, keysets } = await open();
  await writer.append(revealEvent);
  const waited = writer.reached('checkpointed', WAIT_MS);
  const short = writer.reached('checkpointed', 3 * SHORT_MS);
  await sleep(SHORT_MS);
  await integratePending({ pool, keysets });
  await openShard(pool, '2027');
  await publish('2027');
  assert.equal(await short, false, 'the shard that has the event is not published');
  await publish('2026');
  assert.equal(await waited, true);
});

it('nudges the sequencer for whoever waits, and not when there is nothing to wait for', async () => {
  let nudges = 0;
  const { writer } = await open({
    nudge: () => {
      nudges += 1;
    },
  });
  assert.equal(await writer.reached('integrated', WAIT_MS), true);
  assert.equal(nudges, 0);
  await writer.append(revealEvent);
  assert.equal(await writer.reached('integrated', 1), false);
  assert.equal(nudges, 1);
});

it('answers in time, and never rejects, while the database refuses to tell', async () => {
  const alarms: AuditAlarm[] = [];
  const { writer } = await open({ alarm: (alarm) => alarms.push(alarm) });
  await writer.append(revealEvent);
  await sql('revoke select on audit_writer, audit_log from counterfoil_service');
  const answers = await Promise.all([
    writer.reached('integrated', SHORT_MS),
    writer.reached('checkpointed', SHORT_MS),
  ]);
  await sql('grant select on audit_writer, audit_log to counterfoil_service');
  assert.deepEqual(answers, [false, false]);
  assert.deepEqual(
    alarms.map(({ kind }) => kind),
    ['blind'],
    'told once, not at each look',
  );
});

it('stays at its end to see its last leaves in the tree, and leaves without a sequencer all the same', async () => {
  const helped = await open();
  log = undefined;
  const { pool, keysets } = helped;
  const { writer, close } = await openAuditLog(database.serviceUrl, {
    nudge: () => void integratePending({ pool, keysets }).catch(() => {}),
  });
  await writer.append(revealEvent);
  const waiting = writer.reached('checkpointed', WAIT_MS);
  await close();
  assert.equal(writer.unintegrated().events, 0);
  assert.equal(await waiting, false, 'who waits is not left waiting');
  const alone = await openAuditLog(database.serviceUrl, { nudge: () => {} });
  await alone.writer.append(revealEvent);
  await alone.close();
  for (const leaves of await leavesByWriter(database.ownerUrl)) {
    assert.equal(leaves.at(-1)?.leaf.op, 'audit.writer.stop');
  }
  await helped.close();
});

it('brings each acknowledged event into the tree once while connections die and rows vanish', async () => {
  const { writer, pool, keysets } = await open({ limits: { missingAfterMs: 50 } });
  const acknowledged: string[] = [];
  let running = true;
  const appender = async () => {
    for (let turn = 0; turn < 30; turn += 1) {
      const receipt = await writer.append(revealEvent).catch(() => undefined);
      if (receipt !== undefined) acknowledged.push(receipt.eventId);
    }
  };
  const sequencer = async () => {
    while (running) {
      await integratePending({ pool, keysets }).catch(() => {});
      await sleep(40);
    }
  };
  const attacker = () =>
    withClient(database.ownerUrl, async (client) => {
      await client.query('set session_replication_role = replica');
      let deleted = 0;
      while (running) {
        const { rowCount } = await client.query(`
          delete from audit_pending p where random() < 0.2 and not exists (
            select from audit_writer w where w.boot_id = p.boot_id and w.next_seq > p.first_seq)`);
        deleted += rowCount ?? 0;
        await client.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'test-audit' and datname = current_database() and random() < 0.3`);
        await sleep(25);
      }
      return deleted;
    });
  const [background, attack] = [sequencer(), attacker()];
  await Promise.all(Array.from({ length: 48 }, appender));
  running = false;
  await background;
  assert.ok((await attack) > 0, 'nothing was deleted');
  assert.ok(acknowledged.length > 48, 'hardly anything was acknowledged');
  const untilMs = performance.now() + WAIT_MS;
  while (writer.unintegrated().events > 0 && performance.now() < untilMs) {
    await integratePending({ pool, keysets }).catch(() => {});
    await sleep(50);
  }
  const tree = await readTree(pool);
  const times = new Map<string, number>();
  for (const id of tree) times.set(id, (times.get(id) ?? 0) + 1);
  assert.deepEqual(
    acknowledged.filter((id) => times.get(id) !== 1),
    [],
  );
});
