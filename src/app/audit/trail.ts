import { settleOrigin } from '../../adapters/postgres/audit/publisher/origin.ts';
import { startPublisher } from '../../adapters/postgres/audit/publisher/publisher.ts';
import { makeAuditReader } from '../../adapters/postgres/audit/reader/reader.ts';
import { sampleCheckpoints } from '../../adapters/postgres/audit/sample-checkpoints.ts';
import { ensureShard } from '../../adapters/postgres/audit/sequencer/ensure-shard.ts';
import { startSequencer } from '../../adapters/postgres/audit/sequencer/sequencer.ts';
import { type AuditWriter, makeAuditWriter } from '../../adapters/postgres/audit/writer/writer.ts';
import type { Witnessing } from '../../adapters/witness/read-witnesses.ts';
import type { Keysets } from '../../crypto/keysets.ts';
import { type LogKeySource, makeLogSigner } from '../../crypto/log-signer.ts';
import { randomBytes } from '../../crypto/random.ts';
import type { AuditReader } from '../../operations/ports/audit-reader.ts';
import type { HeadStore } from '../../operations/ports/head-store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Database } from '../database.ts';
import { systemClock as clock } from '../system-clock.ts';
import { makeAuditAlarms } from './alarms.ts';
import { startFsck } from './fsck.ts';
import { keepPartitionsAhead } from './maintenance.ts';

/** What `audit_pending` calls the log; which shard takes an event is the sequencer's business. */
const LOG_ID = 1;
/** Time that the log gets at the end for what is left, in milliseconds. */
const LOG_DRAIN_MS = 5_000;
const SEQUENCER_DRAIN_MS = 1_000;
/** The whole log is checked again once a day, 256 entries at a time with a rest between them. */
const FSCK = { intervalMs: 86_400_000, pauseMs: 20 };

/** How the audit log signs, and who else remembers what it signed. */
export type AuditTrailOptions = {
  /** Name of the log, without the shard; `fallbackOrigin` makes one for a new log that has none. */
  origin: string | undefined;
  fallbackOrigin: () => string;
  keySources: readonly LogKeySource[];
  /** Keys that only verify: what they signed is the log's own. */
  retiredKeys?: readonly LogKeySource[];
  /** Closed with the service. */
  heads: HeadStore;
  witnessing: Witnessing;
  /** Warn when nobody but this machine and its database would know of a change. */
  isProduction: boolean;
};

/** The audit log of a running service: to write, to wait for, to read. */
export type AuditTrail = {
  audit: AuditWriter;
  reader: AuditReader;
  /** Name of the log, without a shard. */
  origin: string;
  vkeysOf: (origin: string) => Promise<string[]>;
};

/**
 * Opens the audit log and everything that keeps it going: sequencer, publisher of checkpoints, writer,
 * partitions. What has to be closed goes to `closers`, in the order of its opening. Rejects with one line
 * when the log is not the one that the settings name.
 */
export async function openAuditTrail(
  options: AuditTrailOptions & {
    databaseUrl: string;
    vaultIdOf: (name: string) => number | undefined;
  },
  parts: {
    database: Database;
    keysets: Keysets;
    logger: Logger;
    metrics: Metrics;
    closers: (() => Promise<unknown>)[];
  },
): Promise<AuditTrail> {
  const { heads, witnessing, keySources, isProduction, databaseUrl, vaultIdOf } = options;
  const { database, keysets, logger, metrics, closers } = parts;
  const pool = database.log;
  closers.push(heads.close);
  closers.push(await keepPartitionsAhead(database.audit, logger));

  const signer = makeLogSigner({
    keysets,
    sources: keySources,
    retired: options.retiredKeys ?? [],
  });
  const common = { pool, clock, random: randomBytes, vkeysOf: signer.vkeysOf };
  const baseOrigin = await settleOrigin({
    pool,
    configured: options.origin,
    fallback: options.fallbackOrigin,
    open: (origin) => ensureShard({ ...common, baseOrigin: origin }),
  });
  logger.info('audit_log', { origin: baseOrigin });
  const publishing = { pool, clock, random: randomBytes, baseOrigin, signer, heads, witnessing };
  const publisher = startPublisher({
    ...publishing,
    metrics: metrics.checkpoint,
    logger,
    isProduction,
  });
  closers.push(publisher.close);
  const alarms = makeAuditAlarms(logger);
  const sequencer = await startSequencer({
    ...common,
    connectionString: databaseUrl,
    baseOrigin,
    keysets,
    watch: metrics.sequencer,
    alarm: alarms.sequencer,
    recovered: alarms.recovered,
  });
  closers.push(() => sequencer.close(SEQUENCER_DRAIN_MS));
  const audit = makeAuditWriter({
    pool: database.audit,
    clock,
    keysets,
    random: randomBytes,
    vaultIdOf,
    logId: LOG_ID,
    watch: metrics.audit,
    nudge: sequencer.nudge,
    alarm: alarms.writer,
  });
  metrics.audit.watchQueue(audit.queued);
  metrics.audit.watchUnintegrated(audit.unintegrated);
  closers.push(() => audit.close(LOG_DRAIN_MS));
  const reader = makeAuditReader({ pool });
  const fsck = startFsck({
    reader,
    keysets,
    vkeysOf: signer.vkeysOf,
    checkpointsOf: (logId) => sampleCheckpoints(pool, logId),
    ...FSCK,
    clock,
    metrics: metrics.fsck,
    logger,
  });
  closers.push(fsck.close);
  return { audit, reader, origin: baseOrigin, vkeysOf: signer.vkeysOf };
}
