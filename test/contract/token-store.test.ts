import { makeMemoryTokenStore } from '../../src/adapters/memory/token-store.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { runTokenStoreContract } from './token-store.ts';

runTokenStoreContract('memory', async () => ({
  store: makeMemoryTokenStore(clock),
  close: async () => {},
}));

runTokenStoreContract('postgres', async () => {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 8, name: 'test' });
  for (const name of ['one', 'two']) {
    await ensureVault({ pool, clock }, name);
  }
  return {
    store: makeTokenStore({ pool, clock, random: randomBytes }),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
});
