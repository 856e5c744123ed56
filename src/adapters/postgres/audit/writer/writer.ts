import type { Pool } from 'pg';
import type { AuditEvent, AuditReceipt } from '../../../../domain/audit/event.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type {
  AuditLog,
  AuditProgress,
  Basis,
  OutdatedBasis,
} from '../../../../operations/ports/audit-log.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';
import type { BatchDeps } from './batch.ts';
import { commitBatch } from './commit.ts';
import { type IntegrationLimits, makeIntegration } from './integration.ts';
import type { AuditAlarm } from './keeper.ts';
import { type Lane, makeLane } from './lane.ts';
import { fail, makeDeadlines } from './queue.ts';
import { makeSlot, type Slot } from './slot.ts';
import { makeEventTerms } from './terms.ts';

/** What the writer tells of its work, for metrics. */
type Watcher = {
  committed: (batch: { events: number; seconds: number }) => void;
  failed: (reason: 'commit' | 'deadline' | 'queue_full' | 'backlog') => void;
  /** What became of a batch whose row was not found as it was written. */
  fault: (kind: 'restored' | 'altered' | 'lost') => void;
  /** An answer must not be given: what it rests on is over. */
  withheld: (outdated: OutdatedBasis) => void;
};

export type AuditWriter = AuditLog &
  AuditProgress & {
    /** Events that wait for a batch, now. */
    queued(): number;
    /** Durable events of this instance not known to be in the tree, and the age of the oldest. */
    unintegrated(): { events: number; ageSeconds: number };
    /**
     * Refuses new events, writes those that wait and each writer's last leaf. Rejects when that did not
     * succeed within `withinMs`; nobody was told then that those events are durable. Where there is a
     * sequencer to nudge, it stays up to a second longer, within `withinMs`, to see the last batches in
     * the tree. The pool stays open: it is the caller's.
     */
    close(withinMs: number): Promise<void>;
  };

type Limits = IntegrationLimits & { heartbeatMs: number };

const LIMITS: Limits = {
  maxEvents: 100_000,
  // A refused request for a thousand tokens is cheap, and its event has 90 KB.
  maxBytes: 256 * 1024 * 1024,
  maxAgeMs: 60_000,
  alarmAfterMs: 5_000,
  missingAfterMs: 2_000,
  heartbeatMs: 60_000,
};

type WriterDeps = Omit<BatchDeps, 'clock' | 'eventTerms'> & {
  pool: Pool;
  clock: Clock;
  watch?: Watcher;
  /** Asks the sequencer to begin its next cycle now. */
  nudge?: () => void;
  alarm?: (alarm: AuditAlarm) => void;
  /** Other limits than the documented ones, for tests. */
  limits?: Partial<Limits>;
};

const SLOTS = 2;
const MAX_QUEUED = 10_000;
const DEADLINE_MS = 2_000;
const CLOSE_POLL_MS = 10;
/** How long a writer that closes stays to see its last batches in the tree. */
const SETTLE_MS = 1_000;

/**
 * The durable end of the audit log (AUDIT-LOG §4.3): events that arrive while batches are being
 * committed share the next one; no timer holds them up, so an idle log answers after one commit. What is
 * durable is kept until the tree has it, and put back when it vanishes (§4.5). Give it a pool of its own,
 * so that business queries cannot starve it.
 */
export function makeAuditWriter(deps: WriterDeps): AuditWriter {
  const { clock, watch } = deps;
  const giveUp = new AbortController();
  const { slots, lane, integration } = assemble(deps, giveUp.signal);
  const watchDeadlines = makeDeadlines({
    clock,
    waiting: () => [...slots.flatMap(({ inHand }) => inHand), ...lane.queue()],
    late: (waiting) => {
      watch?.failed('deadline');
      fail(waiting, { detail: 'the audit log did not answer in time' });
    },
  });
  let closing = false;

  /** Why an event cannot be taken now. */
  function refusal(): 'queue_full' | 'backlog' | undefined {
    if (closing || lane.queue().length >= MAX_QUEUED) {
      return 'queue_full';
    }
    return integration.isFull() ? 'backlog' : undefined;
  }

  return {
    reached: integration.reached,
    queued: () => lane.queue().length,
    unintegrated: integration.unintegrated,

    append(event: AuditEvent, basis?: Basis): Promise<AuditReceipt> {
      const reason = refusal();
      if (reason !== undefined) {
        watch?.failed(reason);
        const detail = 'the audit log takes no events now';
        return Promise.reject(new VaultError('audit_unavailable', { detail }));
      }
      return new Promise((resolve, reject) => {
        const deadlineMs = clock.monotonic() + DEADLINE_MS;
        lane.add({ event, basis, atMs: clock.now(), deadlineMs, answered: false, resolve, reject });
        watchDeadlines();
      });
    },

    async close(withinMs) {
      closing = true;
      const untilMs = clock.monotonic() + withinMs;
      try {
        await finish({ clock, slots, lane, giveUp, untilMs });
        if (deps.nudge !== undefined) {
          await integration.settle(Math.min(untilMs, clock.monotonic() + SETTLE_MS));
        }
      } finally {
        integration.close();
      }
    },
  };
}

/** The writers, the queue in front of them, and the care for what they have made durable. */
function assemble(deps: WriterDeps, signal: AbortSignal) {
  const { pool, clock, watch, alarm } = deps;
  const limits = { ...LIMITS, ...deps.limits };
  const eventTerms = makeEventTerms();
  const slots = Array.from({ length: SLOTS }, () =>
    makeSlot({
      ...deps,
      eventTerms,
      heartbeatMs: limits.heartbeatMs,
      commit: (batch, ground) => commitBatch({ pool, clock, signal }, batch, ground),
      stored: (batch, seconds) => {
        integration.keep(batch);
        watch?.committed({ events: batch.count, seconds });
      },
      failed: watch?.failed,
      withheld: watch?.withheld,
    }),
  );
  const lane = makeLane(slots);
  const integration = makeIntegration({
    pool,
    clock,
    limits,
    nudge: deps.nudge ?? (() => {}),
    alarm: (told) => {
      if ('bootId' in told) watch?.fault(told.kind);
      alarm?.(told);
    },
    closed: (bootId) => {
      for (const slot of slots) slot.retire(bootId);
    },
    tick: lane.beat,
  });
  return { slots, lane, integration };
}

/** Writes what waits, then each writer's last leaf. */
async function finish(input: {
  clock: Clock;
  slots: readonly Slot[];
  lane: Lane;
  giveUp: AbortController;
  untilMs: number;
}): Promise<void> {
  const { clock, slots, lane, giveUp, untilMs } = input;
  const atWork = () => lane.queue().length > 0 || slots.some(({ busy }) => busy);
  while (atWork() && clock.monotonic() < untilMs) {
    await clock.sleep(CLOSE_POLL_MS);
  }
  giveUp.abort();
  if (atWork()) {
    throw new VaultError('audit_unavailable', { detail: 'the audit log closed with events left' });
  }
  const stops = await Promise.allSettled(slots.map((slot) => slot.stop()));
  const failed = stops.find((stop) => stop.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
}
