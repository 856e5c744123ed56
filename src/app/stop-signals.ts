/**
 * All that a stop may take, in milliseconds. Where a primary keeps workers each has a second less than who waits
 * for it: a worker ends by itself before its primary ends it, and that before the whole is cut off.
 */
export const STOP_WITHIN_MS = { service: 20_000, workers: 19_000, worker: 18_000 } as const;

/** The wish to stop, as the process was told it. */
export type StopSignals = {
  /** Aborts when the process shall end: finish what is under way. */
  stop: AbortSignal;
  /** Aborts when that takes too long for whoever waits: drop what is under way. */
  hurry: AbortSignal;
};

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

/**
 * Closes a service: at most for `limitMs`, and no longer when somebody is in a hurry. What then
 * follows (the end of the database or of the process) cuts off the rest.
 */
export async function closeInTime(
  close: () => Promise<void>,
  { hurry, limitMs }: { hurry: AbortSignal; limitMs: number },
): Promise<void> {
  const over = new AbortController();
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), hurry, over.signal]);
  try {
    await Promise.race([close(), untilAborted(limit)]);
  } finally {
    over.abort();
  }
}
