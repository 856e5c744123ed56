import type { Pool } from 'pg';
import { maintainAudit } from '../../adapters/postgres/audit/writer/commit.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Partitions are made for seven days ahead, so that a week of failures does no harm. */
const INTERVAL_MS = 6 * 3_600_000;

/**
 * Keeps the audit log's partitions ahead of the clock, and drops those older than yesterday whose batches
 * are all in the tree: now and every six hours. A failure is logged and tried again; the writer makes a
 * partition that is missing all the same.
 *
 * @returns what ends it
 */
export async function keepPartitionsAhead(
  pool: Pool,
  logger: Logger,
): Promise<() => Promise<void>> {
  const maintain = () =>
    maintainAudit(pool).catch((error: unknown) =>
      logger.warn('audit_maintenance_failed', {}, error),
    );
  await maintain();
  const timer = setInterval(() => void maintain(), INTERVAL_MS);
  timer.unref();
  return async () => clearInterval(timer);
}
