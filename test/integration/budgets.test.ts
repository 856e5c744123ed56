import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Pool } from 'pg';
import { makeBudgetStore } from '../../src/adapters/postgres/budgets.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { makeBudgets } from '../../src/operations/steps/budget.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { makeTestOperations } from '../helpers/operations.ts';

const INSTANCES = 3;

let database: TestDatabase;
/** Without time limits: a busy machine may be slow. */
let pool: Pool;
before(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.serviceUrl, max: 8 });
});
after(async () => {
  await pool.end();
  await database.drop();
});

const { vault, cipher } = makeTestOperations();
const instance = () => makeBudgets({ store: makeBudgetStore({ pool, clock }), clock });
const spendingOf = (grant: string, tokens: number, subject = 'ada') => ({
  vault,
  cipher,
  principal: { issuer: 'https://issuer.test', subject },
  budget: { grant, tokens, perMs: 3_600_000 },
  items: 1,
});

/** What became of many concurrent reveals, spread over the instances. */
async function outcomes(spending: ReturnType<typeof spendingOf>, reveals: number) {
  const instances = Array.from({ length: INSTANCES }, instance);
  const codes = await Promise.all(
    Array.from({ length: reveals }, (_, index) =>
      (instances[index % INSTANCES] ?? instance()).spend(spending).then(
        () => 'ok',
        (error: unknown) => (error instanceof VaultError ? error.code : 'other'),
      ),
    ),
  );
  const count = (code: string) => codes.filter((one) => one === code).length;
  return { ok: count('ok'), exhausted: count('budget_exhausted') };
}

it('instances together give a budget once, whatever races', async () => {
  const { ok, exhausted } = await outcomes(spendingOf('role:r[0]', 200), 900);
  assert.equal(ok + exhausted, 900);
  // What one instance has leased, the others cannot use: at most one lease each lies idle.
  assert.ok(ok <= 200 && ok >= 200 - (INSTANCES - 1) * 4, `${ok}`);
  const { ok: more } = await outcomes(spendingOf('role:r[0]', 200), 300);
  assert.ok(ok + more <= 200, 'what an instance leased is spent, used or not');
});

it('the budget of one principal or grant is not that of another', async () => {
  assert.equal((await outcomes(spendingOf('role:r[1]', 30), 30)).ok, 30);
  assert.equal((await outcomes(spendingOf('role:r[1]', 30, 'bob'), 30)).ok, 30);
  assert.equal((await outcomes(spendingOf('role:r[2]', 30), 30)).ok, 30);
  assert.equal((await outcomes(spendingOf('role:r[1]', 30), 3)).exhausted, 3);
});
