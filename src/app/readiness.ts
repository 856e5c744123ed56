import type { Pool } from 'pg';
import type { Readiness } from '../api/http/admin.ts';
import type { Keysets } from '../crypto/keysets.ts';

/**
 * Whether to send requests here: Postgres takes writes on both pools, the keys open, and the service
 * is not on its way out. Writes are asked after without writing: a standby or a database that is
 * read-only says so.
 */
export function makeReadiness({
  database,
  keysets,
}: {
  database: { requests: Pool; audit: Pool };
  keysets: Pick<Keysets, 'auditMac'>;
}) {
  let draining = false;
  const writable = async (pool: Pool): Promise<boolean> => {
    const sql = `select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as ok`;
    const { rows } = await pool.query<{ ok: boolean }>(sql);
    return rows[0]?.ok === true;
  };
  const holds = (check: Promise<boolean>) => check.catch(() => false);
  return {
    async check(): Promise<Readiness> {
      const [store, audit, keys] = await Promise.all([
        holds(writable(database.requests)),
        holds(writable(database.audit)),
        holds(keysets.auditMac().then(() => true)),
      ]);
      const checks = { store, audit, keys, accepting: !draining };
      return { ok: Object.values(checks).every(Boolean), checks };
    },
    drain(): void {
      draining = true;
    },
  };
}
