import type { Clock } from '../../operations/ports/clock.ts';

/** The store's clock as far as its answers have told of it; this machine's own may be wrong. */
export type StoreClock = {
  /** An answer of the store was made at this moment of its clock. */
  note(atMs: number): void;
  /**
   * The store's time, milliseconds since the epoch; before its first answer, the end of all time. Late by as
   * long as the answer took: it serves to spare a look at what is over, not to decide what is.
   */
  now(): number;
};

/** Makes a clock that goes on with the monotonic one between answers. */
export function makeStoreClock({ monotonic }: Pick<Clock, 'monotonic'>): StoreClock {
  let aheadMs = Number.POSITIVE_INFINITY;
  return {
    note: (atMs) => {
      aheadMs = atMs - monotonic();
    },
    now: () => monotonic() + aheadMs,
  };
}
