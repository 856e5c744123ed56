// An open loop: work begins at moments that do not depend on how fast earlier work was answered. What is late
// counts from the moment at which it was due, so that a stall cannot hide the work that it held up.
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../measure/stats.ts';
import type { LoadFigures } from './generator.ts';

export type PacedOptions = {
  perSecond: number;
  seconds: number;
  /** One piece of work; rejects when it failed. */
  work: () => Promise<unknown>;
};

/** Below this a timer is no help: the loop turns instead. */
const TIMER_MS = 2;
/** Work that is still under way so long after the last began has failed. */
const PATIENCE_MS = 30_000;

/** Begins `perSecond` pieces of work a second, evenly spaced. `requests` and `seconds`: of those that were answered. */
export async function runPaced({ perSecond, seconds, work }: PacedOptions): Promise<LoadFigures> {
  const total = Math.max(1, Math.round(perSecond * seconds));
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  let failed = 0;
  const startedMs = performance.now();
  let endedMs = startedMs;
  for (let begun = 0; begun < total; ) {
    const dueCount = Math.min(
      total,
      Math.floor(((performance.now() - startedMs) * perSecond) / 1_000) + 1,
    );
    for (; begun < dueCount; begun += 1) {
      const dueMs = startedMs + (begun * 1_000) / perSecond;
      const piece: Promise<void> = work()
        .then(
          () => {
            endedMs = performance.now();
            latencies.push(endedMs - dueMs);
          },
          () => {
            failed += 1;
          },
        )
        .finally(() => underWay.delete(piece));
      underWay.add(piece);
    }
    await untilMs(startedMs + (begun * 1_000) / perSecond);
  }
  await Promise.race([Promise.all(underWay), sleep(PATIENCE_MS, undefined, { ref: false })]);
  // What was never answered took that long at least.
  const at = (share: number) => percentile(latencies, share) ?? PATIENCE_MS;
  return {
    requests: latencies.length,
    seconds: latencies.length === 0 ? seconds : (endedMs - startedMs) / 1_000,
    latencyMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    failed: failed + underWay.size,
  };
}

async function untilMs(moment: number): Promise<void> {
  const leftMs = moment - performance.now();
  if (leftMs > TIMER_MS) await sleep(leftMs - 1);
  else await nextTurn();
}
