import type { RandomBytes } from '../../../../crypto/random.ts';
import type { Cycle } from './cycle.ts';
import type { CycleReport } from './report.ts';

export type LoopDeps = {
  cycle: Cycle;
  clock: { now(): number; monotonic(): number };
  random: RandomBytes;
  /** Sees to it that there is a shard of this year. */
  keepShard: () => Promise<unknown>;
  listDays: () => Promise<readonly string[]>;
  report: (report: CycleReport) => void;
  /** A turn failed; nothing of it happened, or it did and the next one will see it. */
  failed: (error: unknown) => void;
  /** How often all partitions are looked into, and silent writers are looked for. */
  thoroughEveryMs: number;
};

export type Loop = {
  /** Looks at once. */
  nudge(): void;
  /** Ends the turn in hand, goes on until nothing is left or `withinMs` is over, and resolves. */
  close(withinMs: number): Promise<void>;
};

/** By so much the clocks of instances may differ: then a batch may be of a day that is not today here. */
const SKEW_MS = 600_000;
/** Between two turns, unless there is more to do at once: 200 to 250 ms, so that instances do not march in step. */
const MIN_PAUSE_MS = 200;
const JITTER_MS = 50;
/** Eight full batches of the writer; the rest is room for what the log itself says. */
const MAX_EVENTS = 8 * 511;
/** One batch must always fit. */
const MIN_EVENTS = 512;
const MAX_BYTES = 16 * 1024 * 1024;

/** Runs cycles for ever: at once while there is more to do, else after a pause or a nudge. */
export function startLoop(deps: LoopDeps): Loop {
  const { cycle, clock } = deps;
  const pause = makePause();
  let closeAtMs = Number.POSITIVE_INFINITY;
  let nextThoroughMs = 0;
  let maxEvents = MAX_EVENTS;
  const isClosing = () => closeAtMs < Number.POSITIVE_INFINITY;

  async function turn(): Promise<CycleReport> {
    // Without keys for a new shard the present one goes on.
    await deps.keepShard().catch(deps.failed);
    const isThorough = clock.monotonic() >= nextThoroughMs;
    const { report, error } = await cycle.run({
      days: isThorough ? await deps.listDays() : daysAround(clock.now()),
      isThorough,
      limits: { events: maxEvents, bytes: MAX_BYTES },
    });
    if (isThorough) {
      nextThoroughMs = clock.monotonic() + deps.thoroughEveryMs;
    }
    deps.report(report);
    if (error !== undefined) {
      throw error;
    }
    maxEvents = Math.min(MAX_EVENTS, maxEvents * 2);
    return report;
  }

  /** True when the next turn shall come at once. */
  async function tryTurn(): Promise<boolean> {
    try {
      const report = await turn();
      return report.isFull || (isClosing() && report.outcome === 'integrated');
    } catch (error) {
      // A database that is too slow for a whole segment may be fast enough for half of one.
      maxEvents = Math.max(MIN_EVENTS, maxEvents / 2);
      cycle.forget();
      deps.failed(error);
      return false;
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      // One whole turn after the call of `close`: one that was under way may have looked too early.
      const isLast = isClosing();
      const goOn = await tryTurn();
      if (isLast && (!goOn || clock.monotonic() >= closeAtMs)) {
        return;
      }
      if (!goOn && !isClosing()) {
        await pause.wait(MIN_PAUSE_MS + jitter(deps.random));
      }
    }
  }

  const ended = run();
  return {
    nudge: pause.end,
    close: (withinMs) => {
      closeAtMs = clock.monotonic() + withinMs;
      pause.end();
      return ended;
    },
  };
}

/**
 * Today (UTC), and around midnight the day before or after it: clocks differ, and a batch keeps the day that
 * it was made on. What comes later than that, a thorough turn finds.
 */
function daysAround(nowMs: number): string[] {
  const days = [nowMs - SKEW_MS, nowMs, nowMs + SKEW_MS].map((ms) =>
    new Date(ms).toISOString().slice(0, 10),
  );
  return [...new Set(days)];
}

const jitter = (random: RandomBytes): number => (random(1).readUInt8() / 256) * JITTER_MS;

/** A pause that can be ended before its time; an end that comes before the pause ends the next one. */
function makePause() {
  let isEnded = false;
  let wake: (() => void) | undefined;
  return {
    wait: async (ms: number): Promise<void> => {
      if (!isEnded) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      isEnded = false;
    },
    end: () => {
      isEnded = true;
      wake?.();
    },
  };
}
