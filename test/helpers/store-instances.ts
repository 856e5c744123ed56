import { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { createTestDatabase, type TestDatabase, withClient } from './database.ts';
import { openTokenStores, type TokenStores } from './token-stores.ts';

/** Instances of the service's stores, each with a pool of its own, on one database with one vault. */
export type StoreInstances = {
  all: TokenStores[];
  /** Runs SQL as the owner. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The stores of an instance whose server is not there. */
  away(): TokenStores;
  close(): Promise<void>;
};

/** Opens instances without time limits: a busy machine may be slow. */
export async function openInstances(count: number): Promise<StoreInstances> {
  const database = await createTestDatabase();
  const pools = Array.from(
    { length: count },
    () => new Pool({ connectionString: database.serviceUrl, max: 4 }),
  );
  for (const pool of pools) pool.on('error', () => {});
  await withClient(database.ownerUrl, (client) =>
    client.query(`insert into vault (name) values ('one')`),
  );
  const lost = makePool({ connectionString: awayUrl(database), max: 1, name: 'test' });
  return {
    all: pools.map(openTokenStores),
    sql: <Row>(text: string, values: unknown[] = []) =>
      withClient(database.ownerUrl, async (client) => {
        const { rows } = await client.query(text, values);
        return rows as Row[];
      }),
    away: () => openTokenStores(lost),
    close: async () => {
      await Promise.all([...pools, lost].map((pool) => pool.end()));
      await database.drop();
    },
  };
}

function awayUrl({ serviceUrl }: TestDatabase): string {
  const away = new URL(serviceUrl);
  away.port = '1';
  return away.href;
}
