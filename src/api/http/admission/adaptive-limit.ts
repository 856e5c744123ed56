/** How much work may be under way at once, learned from how long answers take. */
export type AdaptiveLimit = {
  /** Units that may be at work now. */
  current(): number;
  /** How long an answer takes now, in milliseconds, as the last window saw it. */
  expectedMs(): number;
  /** An answer took so long, beyond what its size explains. */
  answered(ms: number): void;
  /** Ends a window: `peak` units were at work at most, and the event loop came `lagMs` late. */
  turn(window: { peak: number; lagMs: number }): void;
};

/** Windows after a start that lower nothing: a process that compiles and warms up is slow without load. */
const WARM_UP_WINDOWS = 50;
/** The limit at the start, in multiples of the least one. */
const START = 2;
/** A window may take away so much, and gives so much back: it doubles in a second and a half. */
const MOST_CUT = 0.7;
const LEAST_CUT = 0.95;
const GROWTH = 1.05;
/** Only a limit that is used grows beyond that of the start: of one that is not, nothing was learned. */
const USED = 0.7;
/** Units a window that an unused limit gets back of what an overload took: from the least to the start's in 26 s. */
const REGAIN = 1;

/**
 * Makes a limit that keeps the queue inside the service short. As in CoDel (RFC 8289 §4.2) it goes by the
 * *fastest* answer of a window: bursts make some answers slow, only a queue that stays makes all of them slow.
 * When even the fastest took longer than `targetMs` in two windows in a row, the limit becomes the work that the
 * target has room for (Little's law: work at once = rate × time); while it is quick enough, the limit grows.
 *
 * Below `least` units nothing is cut: what is slow then is no queue of ours, but a slow machine or database.
 * Pure: its clock is the caller of `turn`.
 */
export function makeAdaptiveLimit(options: {
  least: number;
  most: number;
  targetMs: number;
}): AdaptiveLimit {
  const { most, targetMs } = options;
  const least = Math.min(options.least, most);
  const first = Math.min(START * least, most);
  let limit = first;
  let windows = 0;
  let slowWindows = 0;
  let fastestMs = Number.POSITIVE_INFINITY;
  let expectedMs = 0;

  function adapt(peak: number): void {
    const isSlow = expectedMs > targetMs;
    slowWindows = isSlow ? slowWindows + 1 : 0;
    if (isSlow) {
      if (slowWindows < 2 || windows <= WARM_UP_WINDOWS || peak < least) return;
      const cut = Math.min(Math.max(targetMs / expectedMs, MOST_CUT), LEAST_CUT);
      limit = Math.max(least, Math.min(limit, peak) * cut);
    } else if (peak >= limit * USED) {
      limit = Math.min(most, limit * GROWTH + 1);
    } else {
      // A pause of the disk fills a limit in no time: it is no overload.
      limit = Math.max(limit, Math.min(first, limit + REGAIN));
    }
  }

  return {
    current: () => limit,
    expectedMs: () => expectedMs,
    answered(ms) {
      // What is quicker than its size explains makes nothing else quick: lag counts all the same.
      if (ms < fastestMs) fastestMs = Math.max(ms, 0);
    },
    turn({ peak, lagMs }) {
      windows += 1;
      const isAnswering = fastestMs !== Number.POSITIVE_INFINITY;
      // What waits in the socket while the loop is busy has waited as well.
      expectedMs = lagMs + (isAnswering ? fastestMs : 0);
      fastestMs = Number.POSITIVE_INFINITY;
      // Without an answer nobody knows: with the database away everything waits, and the limit is not why.
      if (isAnswering) adapt(peak);
    },
  };
}
