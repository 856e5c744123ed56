import { makeMemoryBudgetStore } from '../../src/adapters/memory/budget-store.ts';
import { makeBudgetStore } from '../../src/adapters/postgres/budgets.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { runBudgetStoreContract } from './budget-store.ts';

runBudgetStoreContract('memory', async () => ({
  budgets: makeMemoryBudgetStore(clock),
  close: async () => {},
}));

runBudgetStoreContract('postgres', async () => {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  return {
    budgets: makeBudgetStore({ pool, clock }),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
});
