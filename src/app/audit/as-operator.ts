import { makeWrappedKeyStore } from '../../adapters/postgres/keys.ts';
import { checkSchema } from '../../adapters/postgres/migrate.ts';
import { makePool } from '../../adapters/postgres/pool.ts';
import type { Config } from '../../config/load-config.ts';
import { makeKeyring } from '../../crypto/keyring.ts';
import { makeKeysets } from '../../crypto/keysets.ts';
import { MIGRATIONS } from '../database.ts';
import { systemClock as clock } from '../system-clock.ts';
import { type Operator, withOperator } from './operator.ts';
import { findSource } from './tail.ts';

/**
 * Runs an operator's work on the database of `DATABASE_URL`, else of the `dev` instance that runs in the
 * data directory. Rejects with one line when the database is of another release.
 */
export async function asOperator<T>(
  config: Config,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { databaseUrl, rootKey } = await findSource(config);
  const pool = makePool({ connectionString: databaseUrl, max: 3, name: 'counterfoil-operator' });
  try {
    await checkSchema({ pool, directory: MIGRATIONS });
    const keysets = makeKeysets({
      store: makeWrappedKeyStore({ pool, clock }),
      keyring: makeKeyring({ rootKey }),
      clock,
    });
    return await withOperator({ pool, keysets }, work);
  } finally {
    await pool.end();
  }
}
