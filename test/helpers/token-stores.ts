import type { Pool } from 'pg';
import { makeMemoryPeopleStore } from '../../src/adapters/memory/people-store.ts';
import { makeMemoryTokenSearch } from '../../src/adapters/memory/token-search.ts';
import { makeMemoryTokenStore } from '../../src/adapters/memory/token-store.ts';
import { makeMemoryTokenSweep } from '../../src/adapters/memory/token-sweep.ts';
import { makeTokenTables } from '../../src/adapters/memory/token-tables.ts';
import { makePeopleStore } from '../../src/adapters/postgres/people.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeTokenSearch } from '../../src/adapters/postgres/token-search.ts';
import { makeTokenSweep } from '../../src/adapters/postgres/token-sweep.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { PeopleStore } from '../../src/operations/ports/people-store.ts';
import type { TokenSearch } from '../../src/operations/ports/token-search.ts';
import type { TokenStore } from '../../src/operations/ports/token-store.ts';
import type { TokenSweep } from '../../src/operations/ports/token-sweep.ts';
import { realClock } from './clock.ts';
import { createTestDatabase, withClient } from './database.ts';

/** All ports that look at the same tokens. */
export type TokenStores = {
  store: TokenStore;
  search: TokenSearch;
  sweep: TokenSweep;
  people: PeopleStore;
};

/** Stores over one set of tokens; `age` lets what is stored now become older. */
export type StoresUnderTest = TokenStores & {
  age(ms: number): Promise<void>;
  close(): Promise<void>;
};

/** The stores of one instance over a pool. */
export function openTokenStores(pool: Pool): TokenStores {
  const deps = { pool, clock: realClock, random: randomBytes };
  return {
    store: makeTokenStore(deps),
    search: makeTokenSearch(deps),
    sweep: makeTokenSweep(deps),
    people: makePeopleStore(deps),
  };
}

/** Stores in memory. */
export async function memoryStores(): Promise<StoresUnderTest> {
  let aheadMs = 0;
  const clock = { now: () => Date.now() + aheadMs };
  const tables = makeTokenTables();
  return {
    store: makeMemoryTokenStore(clock, tables),
    search: makeMemoryTokenSearch(clock, tables),
    sweep: makeMemoryTokenSweep(clock, tables),
    people: makeMemoryPeopleStore(clock, tables),
    age: async (ms) => {
      aheadMs += ms;
    },
    close: async () => {},
  };
}

/** Stores on a database of their own with two vaults, 1 and 2. */
export async function postgresStores(): Promise<StoresUnderTest> {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 8, name: 'test' });
  for (const name of ['one', 'two']) {
    await ensureVault({ pool, clock: realClock }, name);
  }
  return {
    ...openTokenStores(pool),
    age: (ms) =>
      withClient(database.ownerUrl, async (client) => {
        const by = `interval '${ms} milliseconds'`;
        await client.query(`update idempotency set created_at = created_at - ${by}`);
        await client.query(`update revocation set revoked_at = revoked_at - ${by}`);
      }),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}
