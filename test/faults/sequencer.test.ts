import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAuditLog } from '../helpers/audit-log.ts';
import { withClient } from '../helpers/database.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { numbersOf } from '../helpers/pending-log.ts';
import { type Program, startProgram } from '../helpers/process.ts';
import { type RunningSequencer, runSequencer } from '../helpers/running-sequencer.ts';
import { openTestSequencer, type TestSequencer } from '../helpers/test-sequencer.ts';

let log: TestSequencer;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  log = await openTestSequencer();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await log.close();
});

async function run(
  more: Partial<Parameters<typeof runSequencer>[0]> = {},
): Promise<RunningSequencer> {
  const { pool, keysets, serviceUrl } = log;
  const sequencer = await runSequencer({ connectionString: serviceUrl, pool, keysets, ...more });
  closers.push(() => sequencer.close(0));
  return sequencer;
}

/** Alarms that a slow machine is reason enough for. */
const SLOW_KINDS = new Set(['pending_late', 'cycle_failed', 'worker_silent']);

/** Waits for what happens by itself. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await holds())) {
    assert.ok(performance.now() < endMs, `never happened: ${what}`);
    await sleep(20);
  }
}

const events = (count: number) => Array.from({ length: count }, () => sampleEvent());
const allLeaves = async () => (await log.shards()).flatMap(({ leaves }) => leaves);

/** Durable events of writers, and those that are in the tree. */
const isDrained = () =>
  withClient(log.ownerUrl, async (client) => {
    const { rows } = await client.query(
      `select (select coalesce(sum(n), 0) from audit_pending) = (select coalesce(sum(next_seq), 0) from audit_writer) as drained`,
    );
    return rows[0].drained === true;
  });

test('five sequencers under load put every acknowledged event into the tree exactly once', async () => {
  const sequencers = await Promise.all(Array.from({ length: 5 }, () => run()));
  const writers = await Promise.all([openAuditLog(log.serviceUrl), openAuditLog(log.serviceUrl)]);
  const ids: string[] = [];
  const endMs = performance.now() + 5_000;
  const caller = async (n: number) => {
    while (performance.now() < endMs) {
      const receipt = await writers[n % 2]?.writer.append(sampleEvent());
      ids.push(receipt?.eventId ?? 'none');
      sequencers[n % 5]?.nudge();
    }
  };
  await Promise.all(Array.from({ length: 40 }, (_, n) => caller(n)));
  await Promise.all(writers.map((writer) => writer.close()));
  await until(isDrained, 'all is integrated');
  // `readShards` checks that the tree is dense and its root right.
  const inTree = (await allLeaves()).map(({ id }) => id);
  assert.equal(new Set(inTree).size, inTree.length);
  const known = new Set(inTree);
  assert.deepEqual(
    ids.filter((id) => !known.has(id)),
    [],
  );
  const kinds = sequencers.flatMap(({ alarms }) => alarms.map(({ kind }) => kind));
  assert.deepEqual(
    kinds.filter((kind) => !SLOW_KINDS.has(kind)),
    [],
  );
  // They are heard of through their threads.
  await until(
    () => sequencers.filter((sequencer) => sequencer.integrated() > 0).length > 1,
    'more than one was at work',
  );
});

const startProcess = async (): Promise<Program> => {
  const script = join(import.meta.dirname, 'sequencer-process.ts');
  const program = startProgram([process.execPath, script], {
    env: { TEST_SEQUENCER_URL: log.serviceUrl },
  });
  closers.push(async () => {
    program.child.kill('SIGKILL');
    await program.ended;
  });
  await until(() => program.printed().includes('running'), 'the process runs');
  return program;
};

test('a process that is killed in the middle of cycles leaves nothing half done; another goes on', async () => {
  const writer = log.writer();
  let written = 0;
  // Slow appends, so that a kill meets one.
  await withClient(log.ownerUrl, (client) =>
    client.query(`create function slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.05); return new; end $$;
      create trigger slow before insert on audit_segment for each row execute function slow()`),
  );
  for (let round = 0; round < 4; round += 1) {
    const program = await startProcess();
    for (let batch = 0; batch < 20; batch += 1) {
      await writer.write(events(50));
      written += 50;
    }
    await sleep(30 * round);
    program.child.kill('SIGKILL');
    await program.ended;
    // Whatever was reached, it is whole.
    const reached = numbersOf(await allLeaves(), writer.bootId);
    assert.deepEqual(reached, Array.from(reached.keys()));
  }
  await run();
  await until(isDrained, 'another goes on');
  assert.equal(numbersOf(await allLeaves(), writer.bootId).length, written);
});

test('a thread that dies is started again, and each death is told of', async () => {
  const timing = { delays: undefined } as never;
  const { alarms } = await run({ timing });
  await until(() => alarms.length >= 3, 'it was started again');
  assert.deepEqual(new Set(alarms.map(({ kind }) => kind)), new Set(['worker_died']));
});

test('goes on after connections are cut, and tells once that it failed, and once that it is well', async () => {
  const sequencer = await run();
  const writer = log.writer();
  await writer.write(events(10));
  await until(isDrained, 'it works');
  await withClient(log.ownerUrl, async (client) => {
    await client.query('revoke execute on function audit_lock() from counterfoil_service');
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'counterfoil-sequencer'`,
    );
    await writer.write(events(10));
    await until(() => sequencer.alarms.length > 0, 'it fails');
    await sleep(1_000);
    await client.query('grant execute on function audit_lock() to counterfoil_service');
  });
  await until(isDrained, 'it works again');
  await until(() => sequencer.recovered.length > 0, 'it is well');
  const kinds = sequencer.alarms.map(({ kind }) => kind);
  assert.ok(kinds.includes('cycle_failed') && kinds.length <= 3, String(kinds));
});

test('refuses nothing but waits while the key is not to be had, and tells once that events are late', async () => {
  let hasKey = false;
  const keysets = {
    ...log.keysets,
    auditMac: () => (hasKey ? log.keysets.auditMac() : Promise.reject(new Error('no key'))),
  };
  const sequencer = await run({ keysets });
  const writer = log.writer();
  await writer.write(events(1));
  const told = (kind: string) => sequencer.alarms.filter((alarm) => alarm.kind === kind).length;
  await until(() => told('pending_late') > 0, 'events are late');
  await sleep(500);
  hasKey = true;
  await until(isDrained, 'the key is there');
  await until(() => sequencer.recovered.includes('pending_late'), 'it is well');
  assert.deepEqual([told('cycle_failed'), told('pending_late')], [1, 1]);
});

test('close integrates what is pending, and ends the thread', async () => {
  const sequencer = await run();
  const writer = log.writer();
  for (let batch = 0; batch < 10; batch += 1) await writer.write(events(500));
  await sequencer.close(20_000);
  assert.equal(await isDrained(), true);
  // Postgres takes its time to notice.
  await until(async () => {
    const { rowCount } = await withClient(log.ownerUrl, (client) =>
      client.query(
        `select from pg_stat_activity where application_name = 'counterfoil-sequencer' and datname = current_database()`,
      ),
    );
    return rowCount === 0;
  }, 'its connections are closed');
});
