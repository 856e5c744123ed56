import type { Pool } from 'pg';
import type { AuditProgress } from '../../../../operations/ports/audit-log.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';
import type { Batch } from './batch.ts';
import { type AuditAlarm, makeKeeper } from './keeper.ts';
import { makeProgress } from './progress.ts';
import { makeRetained } from './retained.ts';

/** When a writer minds that its events are not in the tree (AUDIT-LOG §4.4, §4.5). */
export type IntegrationLimits = {
  /** Beyond any of these it takes no event any more. */
  maxEvents: number;
  maxBytes: number;
  maxAgeMs: number;
  alarmAfterMs: number;
  /** From which age on the row of a batch is looked for. */
  missingAfterMs: number;
};

/** The way of this instance's events from durable to integrated. */
export type Integration = AuditProgress & {
  /** Takes a batch that has become durable into care. */
  keep(batch: Batch): void;
  /** So much is waiting that no more should come. */
  isFull(): boolean;
  /** Durable events that are not known to be in the tree, and the age of the oldest. */
  unintegrated(): { events: number; ageSeconds: number };
  /** Waits until everything is in the tree, or until then on the monotonic clock. Never rejects. */
  settle(untilMs: number): Promise<void>;
  /** Lets go of everything; whoever waits is told how far it came. */
  close(): void;
};

/** How often it looks after what it keeps. */
const LOOK_MS = 250;
const SETTLE_POLL_MS = 10;

/** Makes the care for what is durable. It begins with the first batch and ends with `close`. */
export function makeIntegration(deps: {
  pool: Pool;
  clock: Clock;
  limits: IntegrationLimits;
  nudge: () => void;
  alarm: (alarm: AuditAlarm) => void;
  /** The log counts this writer as dead. */
  closed: (bootId: string) => void;
  /** Called at each look. */
  tick: () => void;
}): Integration {
  const { pool, clock, limits, nudge } = deps;
  const retained = makeRetained(clock);
  const keeper = makeKeeper({
    ...deps,
    ...limits,
    retained,
    alarm: (alarm) => {
      // A look that is under way at the end may find its pool closed: that is no news.
      if (!isClosed) deps.alarm(alarm);
    },
  });
  const progress = makeProgress({ pool, clock, retained, look: keeper.look, nudge });
  let isCaring = false;
  let isClosed = false;

  async function care(): Promise<void> {
    while (!isClosed) {
      keeper.checkAge();
      // Not awaited: a database that hangs must not keep alarms and signs of life from their time.
      void keeper.look();
      deps.tick();
      await clock.sleep(LOOK_MS);
    }
  }

  return {
    reached: progress.reached,
    keep(batch) {
      retained.keep(batch);
      if (!isCaring) {
        isCaring = true;
        void clock.sleep(LOOK_MS).then(care);
      }
    },
    isFull: () =>
      retained.events() > limits.maxEvents ||
      retained.bytes() > limits.maxBytes ||
      retained.ageMs() > limits.maxAgeMs,
    unintegrated: () => ({ events: retained.events(), ageSeconds: retained.ageMs() / 1_000 }),
    async settle(untilMs) {
      while (retained.batches() > 0 && clock.monotonic() < untilMs) {
        nudge();
        void keeper.look();
        await clock.sleep(SETTLE_POLL_MS);
      }
    },
    close() {
      isClosed = true;
      progress.close();
    },
  };
}
