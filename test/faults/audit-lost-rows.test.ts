import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditWriter } from '../../src/adapters/postgres/audit/writer/writer.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { type LiveLog, startLiveLog, whileNothingIsIntegrated } from './live-log.ts';
import { assertLogged, readWholeLog, saidBy, waitFor, waitUntilIntegrated } from './whole-log.ts';

// What a fail-over loses, or somebody deletes or edits, between the commit and the tree.

const HOLE_MS = 1_500;
const TIMES = {
  limits: { missingAfterMs: 200 },
  timing: { delays: { holeMs: HOLE_MS, silentMs: 180_000 }, thoroughEveryMs: 500 },
};
const UNINTEGRATED = `not exists (
  select from audit_writer w where w.boot_id = p.boot_id and w.next_seq > p.first_seq)`;

let database: TestDatabase;
const logs: LiveLog[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  await database.drop();
});

async function start(times: Parameters<typeof startLiveLog>[1] = TIMES): Promise<LiveLog> {
  const log = await startLiveLog(database.serviceUrl, times);
  logs.push(log);
  return log;
}

/** Changes rows behind every guard, all at once; how many the last statement changed. */
function tamper(...texts: string[]): Promise<number> {
  return withClient(database.ownerUrl, async (owner) => {
    await owner.query('set session_replication_role = replica');
    await owner.query('begin');
    let changed = 0;
    for (const text of texts) changed = (await owner.query(text)).rowCount ?? 0;
    await owner.query('commit');
    return changed;
  });
}

/** Appends one event after the other: each is a batch of its own. */
async function appendSingly(writer: AuditWriter, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let done = 0; done < count; done += 1) ids.push((await writer.append(revealEvent)).eventId);
  return ids;
}

const isInTree = ({ writer }: LiveLog) => writer.unintegrated().events === 0;
const gapsOf = async () =>
  saidBy(await readWholeLog(database), 'audit.gap').map(({ attr }) => {
    const { from, to, why } = attr ?? {};
    return { from, to, why };
  });

it('puts rows back that are deleted before they are in the tree: nothing is missing', async () => {
  const log = await start();
  const ids = await whileNothingIsIntegrated(database.ownerUrl, async () => {
    const appended = await appendSingly(log.writer, 5);
    await tamper(`delete from audit_pending p where ${UNINTEGRATED}`);
    await waitFor(
      'the rows are back',
      () => log.heard.filter((kind) => kind === 'restored').length > 4,
    );
    return appended;
  });
  await waitFor('they are in the tree', () => isInTree(log));
  assertLogged(await readWholeLog(database), ids);
  assert.deepEqual(await gapsOf(), []);
});

it('tells of a deleted row as a gap when its writer is dead, and goes on behind it', async () => {
  const [dying, other] = [await start(), await start()];
  const ids = await whileNothingIsIntegrated(database.ownerUrl, async () => {
    const appended = await appendSingly(dying.writer, 3);
    await dying.die();
    // Number 0 is the writer's start.
    await tamper('delete from audit_pending where first_seq = 2');
    return appended;
  });
  await waitFor('somebody tells', () => [...dying.heard, ...other.heard].includes('gap'));
  assert.deepEqual(await gapsOf(), [{ from: 2, to: 2, why: 'missing' }]);
  await waitUntilIntegrated(database.ownerUrl);
  assertLogged(
    await readWholeLog(database),
    ids.filter((_, place) => place !== 1),
  );
});

it('tells of an edited row as a gap, and its writer tells as well', async () => {
  const log = await start();
  await whileNothingIsIntegrated(database.ownerUrl, async () => {
    await appendSingly(log.writer, 3);
    await tamper(
      `update audit_pending set leaves = set_byte(leaves, 9, get_byte(leaves, 9) # 1) where first_seq = 2`,
    );
    await waitFor('the writer notices', () => log.heard.includes('altered'));
  });
  await waitFor('all alarms are raised', () =>
    ['altered_batch', 'gap', 'lost'].every((kind) => log.heard.includes(kind)),
  );
  assert.deepEqual(await gapsOf(), [{ from: 2, to: 2, why: 'altered' }]);
});

it('loses nothing that was acknowledged to fail-overs which lose what was not in the tree', async () => {
  // Enough patience for a slow machine: with too little, a gap would be right.
  const times = { limits: { missingAfterMs: 200 } };
  const two = [await start(times), await start(times)];
  const acknowledged: string[] = [];
  let isOver = false;
  const append = async ({ writer }: LiveLog) => {
    while (!isOver) {
      const receipt = await writer.append(revealEvent).catch(() => undefined);
      if (receipt === undefined) await sleep(20);
      else acknowledged.push(receipt.eventId);
    }
  };
  const callers = two.flatMap((log) => Array.from({ length: 8 }, () => append(log)));
  let lost = 0;
  // However slow the machine: until enough was lost for this to say something.
  const isEnough = () => lost > 10 && acknowledged.length > 100;
  for (let failover = 0; failover < 5 || !isEnough(); failover += 1) {
    await sleep(300);
    await whileNothingIsIntegrated(database.ownerUrl, async () => {
      await sleep(200);
      await tamper(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name in ('test-live', 'counterfoil-sequencer')`);
      lost += await tamper(`delete from audit_pending p where ${UNINTEGRATED}`);
    });
  }
  isOver = true;
  await Promise.all(callers);
  await waitFor('all is in the tree', () => two.every(isInTree));
  assertLogged(await readWholeLog(database), acknowledged);
  assert.deepEqual(await gapsOf(), []);
});

it('tells of a gap when a fail-over loses what was in the tree, and not signed', async () => {
  const log = await start();
  await appendSingly(log.writer, 2);
  await waitFor('they are in the tree', () => isInTree(log));
  const tables = ['audit_log', 'audit_writer', 'audit_segment', 'audit_term', 'audit_tile'];
  await tamper(...tables.map((table) => `create table kept_${table} as select * from ${table}`));
  await appendSingly(log.writer, 2);
  await waitFor('they are in the tree', () => isInTree(log));
  await tamper(
    ...tables.flatMap((table) => [
      `delete from ${table}`,
      `insert into ${table} select * from kept_${table}`,
    ]),
    'delete from audit_pending where first_seq >= 3',
  );
  const [id = ''] = await appendSingly(log.writer, 1);
  await waitFor('the gap is told', () => log.heard.includes('gap'));
  assert.deepEqual(await gapsOf(), [{ from: 3, to: 4, why: 'missing' }]);
  await waitFor('the log goes on', () => isInTree(log));
  assertLogged(await readWholeLog(database), [id]);
});
