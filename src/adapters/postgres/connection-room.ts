import { VaultError } from '../../domain/errors.ts';
import { makePool } from './pool.ts';
import { runStatement } from './session.ts';

// A limit of -1 is none; `least` passes over nulls.
const ROOM = `
select least(
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - current_setting('reserved_connections')::int,
  nullif(r.rolconnlimit, -1),
  nullif(d.datconnlimit, -1)) as room
from pg_roles r, pg_database d
where r.rolname = current_user and d.datname = current_database()`;

/**
 * Refuses a database that would not take as many connections as there may be under load: then requests would
 * fail at the worst time. What other programs use is not known, and not counted.
 * @throws VaultError `internal` with a line for the operator, `store_unavailable`
 */
export async function checkConnectionRoom(options: {
  connectionString: string;
  workers: number;
  perWorker: number;
}): Promise<void> {
  const { connectionString, workers, perWorker } = options;
  const pool = makePool({ connectionString, max: 1, name: 'counterfoil-start' });
  try {
    const [found] = await runStatement<{ room: number }>(pool, { text: ROOM });
    const room = found?.room ?? 0;
    if (room < workers * perWorker) {
      const most = Math.floor(room / perWorker);
      throw new VaultError('internal', {
        detail: `${workers} workers use up to ${workers * perWorker} connections, and Postgres has ${room} for this role: raise max_connections (or the limit of the role or database), or take at most ${most} workers`,
      });
    }
  } finally {
    await pool.end();
  }
}
