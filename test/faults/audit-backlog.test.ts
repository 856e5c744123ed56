import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { revealEvent } from '../contract/audit-log.ts';
import { readUnbudgetedPolicy } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import { type LiveLog, startLiveLog, whileNothingIsIntegrated } from './live-log.ts';
import { assertAudited, loadDuring, makeLedger } from './load.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';
import { assertLogged, readWholeLog, saidBy, waitFor, waitUntilPublished } from './whole-log.ts';

// A tree that does not grow although events are durable, and a Postgres that goes away in the middle of it.

const UNAVAILABLE = { name: 'VaultError', code: 'audit_unavailable' };
/** Between the alarm and the refusal a slow machine, too, gets an event in. */
const LIMITS = { alarmAfterMs: 500, maxAgeMs: 6_000 };
/** The sequencer tells of events that wait longer than 5 s. */
const LATE = ['pending_late', 'over pending_late'];

let postgres: OwnPostgres;
let log: LiveLog | undefined;
let service: TestService | undefined;
before(async () => {
  postgres = await startOwnPostgres();
});
afterEach(async () => {
  await log?.close();
  log = undefined;
});
after(async () => {
  await service?.close();
  await postgres?.close();
});

it('raises an alarm when the tree stands still, refuses at the limit, and recovers by itself', async () => {
  log = await startLiveLog(postgres.serviceUrl, { limits: LIMITS });
  const { writer, heard } = log;
  const acknowledged = await whileNothingIsIntegrated(postgres.ownerUrl, async () => {
    const early = await writer.append(revealEvent);
    await waitFor('the writer tells', () => heard.includes('behind'));
    const late = await writer.append(revealEvent);
    await waitFor('an event is too old', () => writer.unintegrated().ageSeconds > 6);
    await assert.rejects(writer.append(revealEvent), UNAVAILABLE);
    await waitFor('the sequencer tells', () => heard.includes('pending_late'));
    return [early.eventId, late.eventId];
  });
  await waitFor('the delay is over', () =>
    [...LATE, 'caught_up'].every((kind) => heard.includes(kind)),
  );
  const { eventId } = await writer.append(revealEvent);
  assert.equal(await writer.reached('integrated', 60_000), true);
  assertLogged(await readWholeLog(postgres), [...acknowledged, eventId]);
});

it('keeps what was durable before Postgres was killed, and brings it into the tree afterwards', async () => {
  log = await startLiveLog(postgres.serviceUrl);
  const { writer, heard } = log;
  const acknowledged = await whileNothingIsIntegrated(postgres.ownerUrl, async () => {
    const receipts = await Promise.all(
      Array.from({ length: 50 }, () => writer.append(revealEvent)),
    );
    await postgres.stop();
    return receipts.map(({ eventId }) => eventId);
  });
  await assert.rejects(writer.append(revealEvent), UNAVAILABLE);
  await waitFor('both tell', () => ['blind', 'cycle_failed'].every((kind) => heard.includes(kind)));
  await postgres.start();
  await waitFor('all is in the tree', () => writer.unintegrated().events === 0);
  const shards = await readWholeLog(postgres);
  assertLogged(shards, acknowledged);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
});

it('fails to close while it is not known what became of a batch, which nobody was told of', async () => {
  log = await startLiveLog(postgres.serviceUrl);
  const { writer } = log;
  await writer.append(revealEvent);
  postgres.pause();
  try {
    const appended = assert.rejects(writer.append(revealEvent), UNAVAILABLE);
    await assert.rejects(writer.close(1_000), UNAVAILABLE);
    await appended;
  } finally {
    postgres.resume();
  }
  await log.die();
});

it('has every event of a service in the tree once, although Postgres was stopped and killed', async () => {
  service = await startTestService({
    databaseUrl: postgres.serviceUrl,
    policies: [readUnbudgetedPolicy()],
    // That of `openKeysets`.
    rootKey: Buffer.alloc(32, 7),
  });
  const ledger = makeLedger();
  await loadDuring(service, ledger, {
    label: 'stop',
    run: async () => {
      await postgres.stop();
      await sleep(500);
      await postgres.start();
    },
  });
  await loadDuring(service, ledger, { label: 'kill', run: async () => postgres.kill() });
  await waitUntilPublished(postgres.ownerUrl);
  const shards = await readWholeLog(postgres);
  assertLogged(shards, ledger.eventIds);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
  for (const shard of shards) assert.deepEqual((await shard.verify()).findings, []);
  await service.close();
  service = undefined;
  await assertAudited(postgres.ownerUrl, ledger);
});
