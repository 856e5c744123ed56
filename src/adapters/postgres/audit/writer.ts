import type { Pool } from 'pg';
import type { AuditEvent, AuditReceipt } from '../../../domain/audit/event.ts';
import { VaultError } from '../../../domain/errors.ts';
import type { AuditLog } from '../../../operations/ports/audit-log.ts';
import type { Clock } from '../../../operations/ports/clock.ts';
import type { BatchDeps } from './batch.ts';
import { commitBatch } from './commit.ts';
import { fail, makeDeadlines, type Waiting } from './queue.ts';
import { makeSlot, type Slot } from './slot.ts';

/** What the writer tells of its work, for metrics. */
type Watcher = {
  committed: (batch: { events: number; seconds: number }) => void;
  failed: (reason: 'commit' | 'deadline' | 'queue_full') => void;
};

export type AuditWriter = AuditLog & {
  /** Events that wait for a batch, now. */
  queued(): number;
  /**
   * Refuses new events, writes those that wait and each writer's last leaf. Rejects when that did not
   * succeed within `withinMs`; nobody was told then that those events are durable. The pool stays open:
   * it is the caller's.
   */
  close(withinMs: number): Promise<void>;
};

const SLOTS = 2;
/** One place of the 512 is the start leaf's. */
const MAX_EVENTS = 511;
const MAX_QUEUED = 10_000;
const DEADLINE_MS = 2_000;
const CLOSE_POLL_MS = 10;

/**
 * The durable end of the audit log (AUDIT-LOG §4.3): events that arrive while batches are being
 * committed share the next one; no timers, so an idle log answers after one commit. Give it a pool of
 * its own, so that business queries cannot starve it.
 */
export function makeAuditWriter(
  deps: Omit<BatchDeps, 'clock'> & { pool: Pool; clock: Clock; watch?: Watcher },
): AuditWriter {
  const { clock, pool, watch } = deps;
  const giveUp = new AbortController();
  const slots = Array.from({ length: SLOTS }, () =>
    makeSlot({
      ...deps,
      commit: (batch) => commitBatch({ pool, clock, signal: giveUp.signal }, batch),
      committed: watch?.committed,
      failed: watch?.failed,
    }),
  );
  const lane = makeLane(slots);
  const watchDeadlines = makeDeadlines({
    clock,
    waiting: () => [...slots.flatMap(({ inHand }) => inHand), ...lane.queue()],
    late: (waiting) => {
      watch?.failed('deadline');
      fail(waiting, { detail: 'the audit log did not answer in time' });
    },
  });
  let closing = false;

  return {
    queued: () => lane.queue().length,

    append(event: AuditEvent): Promise<AuditReceipt> {
      if (closing || lane.queue().length >= MAX_QUEUED) {
        watch?.failed('queue_full');
        const detail = 'the audit log takes no events now';
        return Promise.reject(new VaultError('audit_unavailable', { detail }));
      }
      return new Promise((resolve, reject) => {
        const deadlineMs = clock.monotonic() + DEADLINE_MS;
        lane.add({ event, atMs: clock.now(), deadlineMs, answered: false, resolve, reject });
        watchDeadlines();
      });
    },

    async close(withinMs) {
      closing = true;
      const untilMs = clock.monotonic() + withinMs;
      const atWork = () => lane.queue().length > 0 || slots.some(({ busy }) => busy);
      while (atWork() && clock.monotonic() < untilMs) {
        await clock.sleep(CLOSE_POLL_MS);
      }
      giveUp.abort();
      if (atWork()) {
        throw new VaultError('audit_unavailable', {
          detail: 'the audit log closed with events left',
        });
      }
      const stops = await Promise.allSettled(slots.map((slot) => slot.stop()));
      const failed = stops.find((stop) => stop.status === 'rejected');
      if (failed !== undefined) {
        throw failed.reason;
      }
    },
  };
}

/** Hands waiting events to idle writers, in the order in which they came. */
function makeLane(slots: readonly Slot[]) {
  let queue: Waiting[] = [];
  let pumpPlanned = false;

  function pump(): void {
    pumpPlanned = false;
    for (const idle of slots.filter(({ busy }) => !busy)) {
      // Whoever was answered already withheld the data: the event need not be written any more.
      queue = queue.filter(({ answered }) => !answered);
      if (queue.length === 0) {
        return;
      }
      // `write` never rejects.
      void idle.write(queue.splice(0, MAX_EVENTS)).then((left) => {
        queue.unshift(...left);
        pump();
      });
    }
  }

  return {
    queue: (): readonly Waiting[] => queue,
    add(waiting: Waiting): void {
      queue.push(waiting);
      if (!pumpPlanned) {
        pumpPlanned = true;
        // Events of one turn of the event loop go together, as calls do in the coalescer.
        setImmediate(pump);
      }
    },
  };
}
