import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import { newToken, twins } from '../contract/token-store-rows.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, withClient } from '../helpers/database.ts';

export type ThreeStores = Awaited<ReturnType<typeof openThreeStores>>;

/**
 * The token stores of three instances of one deployment, on a database of their own. Without time limits:
 * a busy machine may be slow, but only a deadlock is a deadlock, and `close` rejects when there was one.
 */
export async function openThreeStores() {
  const database = await createTestDatabase();
  const sql = (text: string, values: unknown[] = []) =>
    withClient(database.ownerUrl, (client) => client.query(text, values));
  const pools = Array.from(
    { length: 3 },
    () => new Pool({ connectionString: database.serviceUrl, max: 4 }),
  );
  const stores = pools.map((pool) => makeTokenStore({ pool, clock, random: randomBytes }));
  await ensureVault({ pool: pools[0] ?? assert.fail(), clock }, 'one');
  const storeAt = (place: number): TokenStore => stores[place % stores.length] ?? assert.fail();
  return {
    ownerUrl: database.ownerUrl,
    sql,
    storeAt,
    /** Runs callers at once, each at the store that is its turn. */
    race: <Result>(count: number, run: (store: TokenStore, place: number) => Promise<Result>) =>
      Promise.all(Array.from({ length: count }, (_, place) => run(storeAt(place), place))),
    close: async () => {
      // Ended connections have handed in their statistics.
      for (const pool of pools) await pool.end();
      const { rows } = await sql(
        'select deadlocks::int from pg_stat_database where datname = current_database()',
      );
      await database.drop();
      assert.deepEqual(rows, [{ deadlocks: 0 }]);
    },
  };
}

/** A row whose value has a fingerprint. */
export type Known = NewToken & { fingerprint: NonNullable<NewToken['fingerprint']> };

/** A value that nobody has seen, in a shard of its own. */
export function newValue(): Known {
  const [{ fingerprint = assert.fail() }] = twins();
  return { ...newToken(), fingerprint, shard: randomBytes(1)[0] ?? 0 };
}
