import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestService, type TestService } from '../helpers/service.ts';
import { assertAudited, assertNothingLost, type Ledger, loadDuring, makeLedger } from './load.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';

// One service lives through all of it; nobody restarts it.
let postgres: OwnPostgres;
let service: TestService;
const ledger: Ledger = makeLedger();
before(async () => {
  postgres = await startOwnPostgres();
  service = await startTestService({ databaseUrl: postgres.serviceUrl });
});
after(async () => {
  await service?.close();
  await postgres?.close();
});

const isReady = async () => (await fetch(`${service.admin}/readyz`)).status === 200;

async function assertReadyAgain(): Promise<void> {
  assert.ok(await isReady());
  assert.equal((await fetch(`${service.admin}/livez`)).status, 200);
}

it('answers 503, loses nothing and recovers when Postgres is stopped and started', async () => {
  const run = async () => {
    await postgres.stop();
    await sleep(500);
    assert.ok(!(await isReady()), 'ready without a database');
    await postgres.start();
  };
  await loadDuring(service, ledger, { label: 'stop', run });
  await assertReadyAgain();
  assert.ok(ledger.outages.size > 0, 'nobody noticed the outage');
  await assertNothingLost(service, ledger);
});

it('answers 503, loses nothing and recovers when Postgres is killed', async () => {
  const before = total(ledger);
  const run = async () => {
    postgres.kill();
    await sleep(300);
  };
  await loadDuring(service, ledger, { label: 'kill', run });
  await assertReadyAgain();
  assert.ok(total(ledger) > before, 'nobody noticed the outage');
  await assertNothingLost(service, ledger);
});

it('answers 503 within its deadline while Postgres is paused, and goes on after it', async () => {
  const before = total(ledger);
  const run = async () => {
    postgres.pause();
    await sleep(4_000);
    postgres.resume();
  };
  await loadDuring(service, ledger, { label: 'pause', run });
  await assertReadyAgain();
  assert.ok(total(ledger) > before, 'nobody noticed the outage');
  await assertNothingLost(service, ledger);
});

it('has one event for every answer that it gave in all of this, and no hole', async () => {
  await service.close();
  assert.ok(ledger.issued.size > 100, 'hardly any load');
  await assertAudited(postgres.ownerUrl, ledger);
});

const total = ({ outages }: Ledger) => [...outages.values()].reduce((sum, n) => sum + n, 0);
