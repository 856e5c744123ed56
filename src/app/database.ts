import { join } from 'node:path';
import type { Pool } from 'pg';
import { checkDurability, checkServiceRole } from '../adapters/postgres/durability.ts';
import { checkSchema } from '../adapters/postgres/migrate.ts';
import { makePool } from '../adapters/postgres/pool.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The forward-only SQL files of the schema. */
export const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** Two batches of each kind of statement may be under way; a few more for everything else. */
const REQUEST_CONNECTIONS = 12;
/** Two writers with one batch each, and one to find out what became of a batch. */
const AUDIT_CONNECTIONS = 3;

/** For those who read the log, and for its upkeep. */
const LOG_CONNECTIONS = 5;
/** Of the sequencer's thread, which has a pool of its own. */
const SEQUENCER_CONNECTIONS = 2;

/** What one service uses at most. */
export const SERVICE_CONNECTIONS =
  REQUEST_CONNECTIONS + AUDIT_CONNECTIONS + LOG_CONNECTIONS + SEQUENCER_CONNECTIONS;

/**
 * Pools of their own for requests, for events on their way into the log, and for reading the log and its
 * upkeep: none can starve another.
 */
export type Database = { requests: Pool; audit: Pool; log: Pool; close(): Promise<void> };

/**
 * Connects as the service role and refuses a database that cannot be trusted with the work: another
 * schema, settings that lose acknowledged writes, a role that could change the audit log.
 */
export async function openDatabase(
  connectionString: string,
  metrics: Pick<Metrics, 'watchPool'>,
): Promise<Database> {
  const requests = makePool({
    connectionString,
    max: REQUEST_CONNECTIONS,
    name: 'counterfoil',
    byKey: true,
  });
  const audit = makePool({
    connectionString,
    max: AUDIT_CONNECTIONS,
    name: 'counterfoil-audit',
    byKey: true,
  });
  const log = makePool({ connectionString, max: LOG_CONNECTIONS, name: 'counterfoil-log' });
  const close = async () => {
    await Promise.all([requests.end(), audit.end(), log.end()]);
  };
  try {
    await checkSchema({ pool: requests, directory: MIGRATIONS });
    await checkDurability(requests);
    await checkServiceRole(requests);
  } catch (error) {
    await close();
    throw error;
  }
  for (const [name, pool] of Object.entries({ requests, audit, log })) {
    metrics.watchPool(name, () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
  }
  return { requests, audit, log, close };
}
