const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 16_000;
/** With the pauses before it, the last one of these comes three quarters of a minute after the first. */
const FAILURES = 8;
/** A worker that served for so long did not end of what its predecessors ended of. */
const SOUND_AFTER_MS = 60_000;

/**
 * Decides how long to wait before a worker that ended is replaced: longer each time, so that a worker that
 * cannot live does not take the machine from the others; `undefined` when it has been tried often enough.
 */
export function makeRestarts(): { pauseAfter(servedMs: number): number | undefined } {
  let failures = 0;
  return {
    pauseAfter(servedMs) {
      failures = servedMs >= SOUND_AFTER_MS ? 1 : failures + 1;
      return failures > FAILURES
        ? undefined
        : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    },
  };
}
