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
