import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomBytes } from '../crypto/random.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { DeadToken, TokenSweep } from '../operations/ports/token-sweep.ts';
import type { VaultKeys } from '../operations/ports/vault-keys.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SweeperMetrics } from '../telemetry/metrics-sweeper.ts';

/** Dead tokens do not resolve, deleted or not: there is no hurry. */
const INTERVAL_MS = 60_000;
/** Rows of one transaction: what hangs on them goes with them. */
const CHUNK_ROWS = 1_000;
/** Longer than any instance may hold an answer from before a revocation. */
const REVOCATION_MS = 48 * 3_600_000;

export type SweeperDeps = {
  sweep: TokenSweep;
  keys: VaultKeys;
  /** Mean time between two passes, in milliseconds; 60 s when absent. */
  intervalMs?: number;
  random: RandomBytes;
  clock: Pick<Clock, 'now'>;
  metrics: SweeperMetrics;
  logger: Pick<Logger, 'warn'>;
};

export type Sweeper = {
  /** Resolves when the chunk at work is done. */
  close(): Promise<void>;
};

/**
 * Deletes dead tokens, answers and revocations for as long as the service runs. Every instance does, at
 * times of its own, and they do not disturb each other. A pass that fails is logged, and the next one tries
 * again.
 */
export function startSweeper(deps: SweeperDeps): Sweeper {
  const { intervalMs = INTERVAL_MS, random, clock, metrics, logger } = deps;
  const stop = new AbortController();
  const { signal } = stop;

  const pass = async () => {
    try {
      await buryDead(deps, signal);
      await forgetOld(deps, signal);
      metrics.passed(clock.now());
    } catch (error) {
      metrics.failed();
      logger.warn('sweep_failed', {}, error);
    }
  };

  const run = async () => {
    for (;;) {
      // Half of it to one and a half: instances that were started together part.
      const pauseMs = intervalMs * (0.5 + random(1).readUInt8() / 256);
      await sleep(pauseMs, undefined, { signal, ref: false });
      await pass();
    }
  };

  // Only the pause rejects, when it is ended.
  const running = run().catch(() => undefined);
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

async function buryDead(deps: SweeperDeps, signal: AbortSignal): Promise<void> {
  const { sweep, metrics } = deps;
  const withoutKeys = new Set<number>();
  let goOn = true;
  while (goOn && !signal.aborted) {
    const dead = await sweep.findDead({ limit: CHUNK_ROWS, withoutKeys: [...withoutKeys] });
    const rows = await withTombstones(deps, dead, withoutKeys);
    const buried = rows.length === 0 ? 0 : await sweep.bury(rows);
    metrics.buried(buried);
    // A full chunk of which nothing could be deleted: another instance is at it. Rows that were left out
    // for want of keys are not found again.
    goOn = dead.length === CHUNK_ROWS && (buried > 0 || rows.length < dead.length);
  }
}

/** These rows, but for those that need a tombstone which nobody can make now: adds to `withoutKeys`. */
async function withTombstones(
  deps: SweeperDeps,
  dead: readonly DeadToken[],
  withoutKeys: Set<number>,
): Promise<Parameters<TokenSweep['bury']>[0]> {
  const rows: (DeadToken & { tombstone?: Buffer })[] = [];
  for (const row of dead) {
    if (!row.isSmall) {
      rows.push(row);
    } else if (!withoutKeys.has(row.vaultId)) {
      const tombstone = await tombstoneOf(deps, row);
      if (tombstone === undefined) withoutKeys.add(row.vaultId);
      else rows.push({ ...row, tombstone });
    }
  }
  return rows;
}

async function tombstoneOf(
  { keys, metrics, logger }: SweeperDeps,
  { vaultId, token }: DeadToken,
): Promise<Buffer | undefined> {
  try {
    return (await keys.cipherOf(vaultId)).digests.tombstone(token);
  } catch (error) {
    metrics.keyless();
    logger.warn('sweep_without_keys', { vaultId }, error);
    return;
  }
}

async function forgetOld({ sweep, metrics }: SweeperDeps, signal: AbortSignal): Promise<void> {
  let forgotten = 1;
  while (forgotten > 0 && !signal.aborted) {
    forgotten = await sweep.forget({ revocationMs: REVOCATION_MS });
    metrics.forgotten(forgotten);
  }
}
