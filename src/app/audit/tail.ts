import { join, resolve } from 'node:path';
import { findDatabase } from '../../adapters/embedded/postgres.ts';
import { readAuditTail, type TailEntry } from '../../adapters/postgres/audit/tail.ts';
import { makeWrappedKeyStore } from '../../adapters/postgres/keys.ts';
import { makePool } from '../../adapters/postgres/pool.ts';
import type { Config } from '../../config/load-config.ts';
import { makeKeyring } from '../../crypto/keyring.ts';
import { makeKeysets } from '../../crypto/keysets.ts';
import type { SecretBytes } from '../../crypto/secret.ts';
import { readRootKey } from '../root-key.ts';
import { openKeyring } from '../serve.ts';
import { systemClock as clock } from '../system-clock.ts';

/**
 * The last durable audit events, oldest first, read straight from the database with the root key: of
 * `DATABASE_URL` when that is set, else of the `dev` instance that runs in the data directory. For the
 * operator of the machine, who has both; auditors will read the log through the service.
 */
export async function readTail(config: Config, limit: number): Promise<TailEntry[]> {
  const { databaseUrl, rootKey } = await findSource(config);
  const pool = makePool({ connectionString: databaseUrl, max: 2, name: 'counterfoil-audit-tail' });
  try {
    const keysets = makeKeysets({
      store: makeWrappedKeyStore({ pool, clock }),
      keyring: makeKeyring({ rootKey }),
      clock,
    });
    return await readAuditTail({ pool, keysets }, limit);
  } finally {
    await pool.end();
  }
}

/** The database and root key that an operator's command works with. */
export async function findSource(
  config: Config,
): Promise<{ databaseUrl: string; rootKey: SecretBytes }> {
  if (config.databaseUrl !== undefined) {
    return { databaseUrl: config.databaseUrl.reveal(), rootKey: await openKeyring(config) };
  }
  const dataDir = resolve(config.dataDir);
  const databaseUrl = await findDatabase(dataDir);
  return { databaseUrl, rootKey: await readRootKey(join(dataDir, 'root.key')) };
}
