import { makeAuditReader } from '../../adapters/postgres/audit/reader/reader.ts';
import { sampleCheckpoints } from '../../adapters/postgres/audit/sample-checkpoints.ts';
import { makeWrappedKeyStore } from '../../adapters/postgres/keys.ts';
import { checkSchema } from '../../adapters/postgres/migrate.ts';
import { makePool } from '../../adapters/postgres/pool.ts';
import type { Config } from '../../config/load-config.ts';
import { makeKeyring } from '../../crypto/keyring.ts';
import { makeKeysets } from '../../crypto/keysets.ts';
import { makeLogSigner } from '../../crypto/log-signer.ts';
import { MIGRATIONS } from '../database.ts';
import { systemClock as clock } from '../system-clock.ts';
import { readCheckpointSettings } from './checkpoint-settings.ts';
import { checkStoredLog } from './fsck.ts';
import type { VerifiedShard } from './fsck-chain.ts';
import { findSource } from './tail.ts';

/**
 * Runs `work` with a re-check of the database of `DATABASE_URL`, else of the `dev` instance that runs in the
 * data directory, and the keys of the settings. Rejects with one line when it cannot begin.
 */
export async function withFsck<T>(
  config: Config,
  work: (check: () => Promise<VerifiedShard[]>) => Promise<T>,
): Promise<T> {
  const { databaseUrl, rootKey } = await findSource(config);
  const settings = await readCheckpointSettings(config.audit);
  const pool = makePool({ connectionString: databaseUrl, max: 3, name: 'counterfoil-fsck' });
  try {
    await checkSchema({ pool, directory: MIGRATIONS });
    const keysets = makeKeysets({
      store: makeWrappedKeyStore({ pool, clock }),
      keyring: makeKeyring({ rootKey }),
      clock,
    });
    const { vkeysOf } = makeLogSigner({
      keysets,
      sources: settings.keySources,
      retired: settings.retiredKeys,
    });
    const reader = makeAuditReader({ pool });
    const checkpointsOf = (logId: number) => sampleCheckpoints(pool, logId);
    return await work(() =>
      checkStoredLog({ reader, vkeysOf, keysets, checkpointsOf, pauseMs: 0 }),
    );
  } finally {
    await settings.heads.close();
    await pool.end();
  }
}
