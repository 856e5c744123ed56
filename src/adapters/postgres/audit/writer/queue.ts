import type { AuditEvent, AuditReceipt } from '../../../../domain/audit/event.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { Basis, OutdatedBasis } from '../../../../operations/ports/audit-log.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';

/** How late a deadline may be noticed. */
const SWEEP_MS = 100;

/** One event that waits for its commit, with the caller who waits for it. */
export type Waiting = {
  event: AuditEvent;
  /** What the caller's answer rests on. */
  basis?: Basis | undefined;
  /** When it happened, milliseconds since the epoch. */
  atMs: number;
  /** When the caller must have an answer, on the monotonic clock. */
  deadlineMs: number;
  answered: boolean;
  resolve: (receipt: AuditReceipt) => void;
  reject: (error: VaultError | OutdatedBasis) => void;
};

/** Tells the caller that the event is durable; nothing when the caller has had an answer. */
export function succeed(waiting: Waiting, eventId: string): void {
  if (!waiting.answered) {
    waiting.answered = true;
    waiting.resolve({ eventId });
  }
}

/** Tells the caller that the event is durable, and that the answer must not be given. */
export function withhold(waiting: Waiting, outdated: OutdatedBasis): void {
  if (!waiting.answered) {
    waiting.answered = true;
    waiting.reject(outdated);
  }
}

/** Tells the caller that it is not known to be. Each caller gets an error object of its own. */
export function fail(waiting: Waiting, why: { detail: string; cause?: unknown }): void {
  if (!waiting.answered) {
    waiting.answered = true;
    waiting.reject(new VaultError('audit_unavailable', why));
  }
}

/**
 * Watches over deadlines: call the result whenever somebody starts to wait. It looks every 100 ms, and
 * only while somebody waits.
 *
 * @param deps.waiting all events that are queued or at work
 * @param deps.late told of each caller whose time is up; must answer
 */
export function makeDeadlines(deps: {
  clock: Clock;
  waiting: () => readonly Waiting[];
  late: (waiting: Waiting) => void;
}): () => void {
  const unanswered = () => deps.waiting().filter(({ answered }) => !answered);
  let watching = false;
  async function watch(): Promise<void> {
    while (unanswered().length > 0) {
      await deps.clock.sleep(SWEEP_MS);
      // One look early rather than one late.
      const soonMs = deps.clock.monotonic() + SWEEP_MS;
      for (const waiting of unanswered().filter(({ deadlineMs }) => deadlineMs < soonMs)) {
        deps.late(waiting);
      }
    }
    watching = false;
  }
  return () => {
    if (!watching) {
      watching = true;
      void watch();
    }
  };
}
