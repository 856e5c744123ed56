import type { Clock } from '../operations/ports/clock.ts';

/** Between two lines about the same trouble, in milliseconds. */
const EVERY_MS = 10_000;

/** `tell`, at most once in ten seconds: what does not answer would else fill the log. */
export function seldom<T>(
  clock: Pick<Clock, 'monotonic'>,
  tell: (what: T) => void,
): (what: T) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (what) => {
    if (clock.monotonic() - toldMs < EVERY_MS) return;
    toldMs = clock.monotonic();
    tell(what);
  };
}
