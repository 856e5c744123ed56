import type { Clock } from '../ports/clock.ts';

/** Answers about tokens that "do not exist" leave at multiples of this many milliseconds (DESIGN §10). */
const GRID_MS = 25;

/**
 * Waits until the time since `startedAt` (monotonic milliseconds) is a multiple of the grid, so that
 * a token that is missing and one that the caller may not see cannot be told apart by the clock.
 */
export async function waitForGrid(clock: Clock, startedAt: number): Promise<void> {
  const elapsed = clock.monotonic() - startedAt;
  const rest = GRID_MS - (elapsed % GRID_MS);
  await clock.sleep(rest);
}
