import type { Pool } from 'pg';
import type { RandomBytes } from '../../../../crypto/random.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import { inTransaction } from '../../session.ts';
import { integrate, NOTHING_DONE, type Work } from './integrate.ts';
import { makePatience } from './patience.ts';
import { type PendingWriter, scanPending } from './pending.ts';
import { type Limits, planBatches } from './plan.ts';
import type { CycleReport } from './report.ts';
import type { Delays } from './settle-writer.ts';
import { makeClockWatch } from './take-batches.ts';
import { makeTroubles } from './troubles.ts';
import { findSilentWriters, type SilentWriter } from './writers.ts';

export type CycleDeps = {
  pool: Pool;
  clock: { now(): number; monotonic(): number };
  random: RandomBytes;
  /** The key that batches are authenticated with; never older than its owner allows. */
  auditMac: () => Promise<SecretKey>;
  delays: Delays;
};

export type CycleInput = {
  /** Partitions to look into. */
  days: readonly string[];
  limits: Limits;
  /** These are all partitions: look for silent writers, too. */
  isThorough: boolean;
};

/** One turn of the sequencer. */
export type Cycle = {
  /**
   * Rejects when the database cannot be looked into. `error` is there when the look succeeded and the work
   * did not; it did not happen then, or it did and the next turn will see it.
   */
  run(input: CycleInput): Promise<{ report: CycleReport; error?: unknown }>;
  /** Forgets how long things have been as they are: this process has not looked for a while. */
  forget(): void;
};

/** Writers in trouble are looked at this often. */
const LOOK_EVERY_MS = 1_000;

/**
 * Makes the cycle of the sequencer (AUDIT-LOG §4.4): it looks for pending batches without a lock, and
 * when there are any takes the lock and appends them as one segment, in one transaction. What it keeps
 * in memory is only how long it has seen trouble; all else is read anew each time, so any instance can
 * go on after any other, after any crash, and after a commit of unknown outcome.
 */
export function makeCycle(deps: CycleDeps): Cycle {
  const { pool, clock, random, delays } = deps;
  const troubles = makeTroubles(clock, Math.min(LOOK_EVERY_MS, delays.holeMs));
  const patience = makePatience(clock);
  const silence = makePatience(clock);
  const watchClock = makeClockWatch();

  /** Silent by the database's clock, and for the time of one heartbeat before the eyes of this process. */
  async function findGone(pending: readonly PendingWriter[]): Promise<SilentWriter[]> {
    const waiting = new Set(pending.map(({ bootId }) => bootId));
    const gone = (await findSilentWriters(pool, delays.silentMs)).filter(
      ({ bootId, nextSeq }) =>
        silence.isOver(`${bootId} ${nextSeq}`, delays.silentMs / 3) &&
        // What is pending of a writer comes before its end.
        !waiting.has(bootId),
    );
    silence.endPass();
    return gone;
  }

  async function perform(work: Work) {
    if (work.stuck.length === 0 && work.silent.length === 0 && !work.going.some(hasRows)) {
      return NOTHING_DONE;
    }
    const auditMac = await deps.auditMac();
    const atMs = clock.now();
    return inTransaction(pool, (session) =>
      integrate({ session, auditMac, patience, watchClock, delays, atMs, random }, work),
    );
  }

  return {
    forget() {
      patience.reset();
      silence.reset();
    },
    async run({ days, limits, isThorough }) {
      const startedMs = clock.monotonic();
      const writers = await scanPending(pool, days);
      const { going, stuck } = troubles.sort(writers, isThorough);
      const silent = isThorough ? await findGone(writers) : [];
      const work = { going, stuck, silent, limits };
      const performed = await perform(work).then(
        (findings) => ({ findings }),
        (error: unknown) => ({ findings: { ...NOTHING_DONE, outcome: 'failed' as const }, error }),
      );
      const { stuckAt, ...found } = performed.findings;
      const hasLooked = stuck.length > 0 && !['busy', 'failed'].includes(found.outcome);
      // Only then were all writers asked for.
      if (hasLooked && isThorough) {
        patience.endPass();
      }
      const altered = troubles.note({ altered: found.altered, stuckAt, hasLooked });
      const isMoreLeft = planBatches(going, limits).isFull || stuckAt.size + found.gaps.length > 0;
      const report = {
        ...found,
        seconds: (clock.monotonic() - startedMs) / 1_000,
        isFull: found.outcome === 'integrated' && isMoreLeft,
        altered,
        pending: troubles.measure(writers),
      };
      return 'error' in performed ? { report, error: performed.error } : { report };
    },
  };
}

const hasRows = ({ rows }: PendingWriter): boolean => rows.length > 0;
