import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import { withClient } from '../helpers/database.ts';
import { type Answer, type Cluster, type Instance, openCluster } from './serve-cluster.ts';
import { assertLogged, readWholeLog, saidBy, waitFor, waitUntilPublished } from './whole-log.ts';

// A process that is killed at exactly the wrong moment, and another one that goes on. Statements are slowed
// down, so that the moment can be met.

/** Less than a statement's time-out. */
const SLOW_S = 1.5;
const NEVER_S = 60;

let cluster: Cluster;
let doomed: Instance;
before(async () => {
  cluster = await openCluster();
});
beforeEach(async () => {
  doomed = await cluster.start('doomed');
  await waitUntilPublished(cluster.database.ownerUrl);
});
after(() => cluster?.close());

const sql = (text: string) =>
  withClient(cluster.database.ownerUrl, async (owner) => (await owner.query(text)).rows);

async function slowDown(table: string, seconds = SLOW_S): Promise<void> {
  await sql(`create or replace function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${seconds}); return new; end $$;
    create trigger slow before insert on ${table} for each row execute function slow()`);
}

/** Waits until a session of these is in the middle of its statement. */
const waitForSleeper = (name: string) =>
  // On one connection: to make another for each look may take longer than the sleep.
  withClient(cluster.database.ownerUrl, (owner) =>
    waitFor(`${name} is at it`, async () => {
      const sleeping = await owner.query(`select from pg_stat_activity
        where datname = current_database() and application_name = '${name}' and wait_event = 'PgSleep'`);
      return sleeping.rowCount !== 0;
    }),
  );

function tokenize(): Promise<Answer> {
  return doomed.post('app', 'vaults/demo/tokenize', { field: 'name', value: 'Ada Lovelace' });
}

/** Starts another process, and reads the log when that has brought everything into it. */
async function goOn() {
  const next = await cluster.start('next');
  await waitUntilPublished(cluster.database.ownerUrl);
  await next.end('SIGTERM');
  const shards = await readWholeLog(cluster.database);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
  for (const shard of shards) {
    // What the last one wrote at its end is not published yet.
    assert.deepEqual((await shard.verify()).findings, []);
  }
  return shards;
}

const tokenizings = async () => saidBy(await readWholeLog(cluster.database), 'tokenize').length;

it('a sequencer that is killed in the middle of a cycle leaves nothing half-done', async () => {
  await slowDown('audit_segment');
  const { eventId = 'no event' } = await tokenize();
  await waitForSleeper('counterfoil-sequencer');
  await doomed.end('SIGKILL');
  await sql('drop trigger slow on audit_segment');
  assertLogged(await goOn(), [eventId]);
});

it('before the commit of its event, a killed process has answered nothing, and nothing is logged', async () => {
  const before = await tokenizings();
  await slowDown('audit_pending', NEVER_S);
  const answer = tokenize();
  await waitForSleeper('counterfoil-audit');
  await doomed.end('SIGKILL');
  await sql(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'counterfoil-audit'`);
  await sql('drop trigger slow on audit_pending');
  assert.equal((await answer).status, 0);
  await goOn();
  assert.equal(await tokenizings(), before);
});

it('between the commit and the answer, the event stands, and the next process brings it into the log', async () => {
  const before = await tokenizings();
  await slowDown('audit_pending');
  const answer = tokenize();
  await waitForSleeper('counterfoil-audit');
  process.kill(doomed.pid, 'SIGSTOP');
  await waitFor('the event is durable', async () => {
    const rows = await sql(`select from pg_stat_activity
      where datname = current_database() and application_name = 'counterfoil-audit' and wait_event = 'PgSleep'`);
    return rows.length === 0;
  });
  await doomed.end('SIGKILL');
  await sql('drop trigger slow on audit_pending');
  assert.equal((await answer).status, 0);
  await goOn();
  assert.equal(await tokenizings(), before + 1);
});
