import type { Pool } from 'pg';
import { VaultError } from '../../../../domain/errors.ts';
import { findActiveShard } from '../shards.ts';

/** Looks at the log; a race for its first shard is over after one of them. */
const ATTEMPTS = 5;

/**
 * The origin of the log, without the shard: fixed when the log was created, so the stored one holds.
 * `configured`, if given, must be the same: rejects with `internal` and one line when it is not.
 * `undefined`: there is no log yet.
 */
async function findOrigin(pool: Pool, configured: string | undefined): Promise<string | undefined> {
  const active = await findActiveShard(pool);
  if (active === undefined) {
    return undefined;
  }
  const stored = active.origin.slice(0, -`/${active.shard}`.length);
  if (configured !== undefined && configured !== stored) {
    throw new VaultError('internal', {
      detail: `COUNTERFOIL_AUDIT_ORIGIN is ${configured}, but the audit log of this database was created as ${stored}: an origin is for the life of the log.`,
    });
  }
  return stored;
}

/**
 * The origin of the log, which is created if there is none: under the configured name, or else under
 * `fallback()`. Whichever instance is first decides for all. Rejects as `findOrigin`, and with
 * `store_unavailable` when no shard comes about.
 *
 * @param options.open opens the first shard under this base origin; it may do nothing in a race
 */
export async function settleOrigin(options: {
  pool: Pool;
  configured: string | undefined;
  fallback: () => string;
  open: (baseOrigin: string) => Promise<unknown>;
}): Promise<string> {
  const { pool, configured, fallback, open } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await findOrigin(pool, configured);
    if (stored !== undefined) {
      return stored;
    }
    await open(configured ?? fallback());
  }
  throw new VaultError('store_unavailable', { detail: 'no shard of the audit log can be opened' });
}
