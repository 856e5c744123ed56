import type { Pool } from 'pg';
import { makePool } from './pool.ts';
import { runStatement } from './session.ts';
import { hasSqlstate } from './sqlstate.ts';

const UNIQUE_VIOLATION = '23505';

/**
 * A pool on a database that is not ours to migrate, and what makes the one table that we have there, at the
 * first use. `create` must do nothing where the table is.
 */
export function makeOwnTable({
  create,
  ...options
}: {
  connectionString: string;
  max: number;
  name: string;
  create: string;
}): { pool: Pool; ready: () => Promise<void> } {
  const pool = makePool(options);
  let made: Promise<void> | undefined;
  return {
    pool,
    ready: () => {
      made ??= createTable(pool, create).catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
  };
}

async function createTable(pool: Pool, create: string): Promise<void> {
  try {
    await runStatement(pool, { text: create });
  } catch (error) {
    // Two at once: Postgres looks for the table first, and one of them then finds its name taken.
    if (!hasSqlstate(error, UNIQUE_VIOLATION)) throw error;
  }
}
