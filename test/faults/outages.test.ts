import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readUnbudgetedPolicy } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import {
  assertAudited,
  assertNothingLost,
  type Ledger,
  loadDuring,
  makeLedger,
  waitUntil,
} from './load.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';

/** Longer than any caller waits for an answer. */
const PAUSE_MS = 9_500;

// One service lives through all of it; nobody restarts it.
let postgres: OwnPostgres;
let service: TestService;
const ledger: Ledger = makeLedger();
before(async () => {
  postgres = await startOwnPostgres();
  service = await startTestService({
    databaseUrl: postgres.serviceUrl,
    policies: [readUnbudgetedPolicy()],
  });
});
after(async () => {
  await service?.close();
  await postgres?.close();
});

const isReady = async () => (await fetch(`${service.admin}/readyz`)).status === 200;

/** Runs the fault under load. What it is given waits until somebody has noticed: a short one nobody need notice. */
function assertNoticedAndSurvived(
  label: string,
  fault: (untilNoticed: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const noticedBefore = noticed();
  const isNoticed = () => noticed() > noticedBefore;
  return assertSurvives(label, () =>
    fault(() => waitUntil('a caller notices the fault', isNoticed)),
  );
}

async function assertSurvives(label: string, run: () => Promise<void>): Promise<void> {
  await loadDuring(service, ledger, { label, run });
  assert.ok(await isReady());
  assert.equal((await fetch(`${service.admin}/livez`)).status, 200);
  await assertNothingLost(service, ledger);
}

const noticed = () => [...ledger.outages.values()].reduce((sum, count) => sum + count, 0);

it('answers 503, loses nothing and recovers when Postgres is stopped and started', () =>
  assertNoticedAndSurvived('stop', async (untilNoticed) => {
    await postgres.stop();
    await untilNoticed();
    assert.ok(!(await isReady()), 'ready without a database');
    await postgres.start();
  }));

// It is back within a moment, and what was under way is found out and done again: nobody need have noticed.
it('loses nothing and goes on when Postgres is killed', () =>
  assertSurvives('kill', async () => postgres.kill()));

it('answers 503 within its deadline while Postgres is paused, and goes on after it', () =>
  assertNoticedAndSurvived('pause', async (untilNoticed) => {
    postgres.pause();
    await sleep(PAUSE_MS).finally(postgres.resume);
    await untilNoticed();
  }));

it('has one event for every answer that it gave in all of this, and no hole', async () => {
  await service.close();
  await assertAudited(postgres.ownerUrl, ledger);
});
