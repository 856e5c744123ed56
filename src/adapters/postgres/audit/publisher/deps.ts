import type { Pool } from 'pg';
import type { LogSigner } from '../../../../crypto/log-signer.ts';
import type { RandomBytes } from '../../../../crypto/random.ts';
import type { HeadStore } from '../../../../operations/ports/head-store.ts';
import type { Witness } from '../../../../operations/ports/witness.ts';
import type { Logger } from '../../../../telemetry/logger.ts';
import type { CheckpointMetrics } from '../../../../telemetry/metrics-checkpoint.ts';
import type { Policy } from '../../../../tlog/policy.ts';

/** What the publisher of checkpoints works with. */
export type PublisherDeps = {
  pool: Pool;
  /** Origin of the log, without the shard. */
  baseOrigin: string;
  signer: LogSigner;
  heads: HeadStore;
  /** Who is asked to cosign, and whose cosignatures together suffice. */
  witnessing: { policy: Policy; witnesses: readonly Witness[] };
  metrics: CheckpointMetrics;
  logger: Logger;
  clock: { now(): number; monotonic(): number };
  random: RandomBytes;
};
