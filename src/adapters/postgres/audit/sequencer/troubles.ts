import type { StoredBatch } from '../pending-row.ts';
import type { PendingWriter } from './pending.ts';
import type { CycleReport } from './report.ts';

/** Altered batches that are remembered as told of. */
const MAX_KNOWN = 10_000;

/** What this process remembers of writers that cannot go on. */
export type Troubles = {
  /**
   * Parts writers that can go on from those that cannot; the latter only when it is time to look at them,
   * or `atOnce`.
   */
  sort(
    writers: readonly PendingWriter[],
    atOnce: boolean,
  ): { going: PendingWriter[]; stuck: PendingWriter[] };
  /**
   * Remembers altered batches, and where writers stand before one, as a cycle that had the lock found
   * them. Returns the batches that were not told of before.
   */
  note(found: {
    altered: readonly StoredBatch[];
    stuckAt: ReadonlyMap<string, number>;
    hasLooked: boolean;
  }): CycleReport['altered'];
  /** What waits. Batches known to be altered do not count: nobody waits for them. */
  measure(writers: readonly PendingWriter[]): CycleReport['pending'];
};

/** Makes an empty memory. Writers in trouble are looked at once in `everyMs`, and at once when new. */
export function makeTroubles(clock: { monotonic(): number }, everyMs: number): Troubles {
  // Without it, each cycle would read and judge an altered batch again, and make others wait for that.
  let stuckAt: ReadonlyMap<string, number> = new Map();
  const known = new Set<string>();
  let nextLookMs = 0;

  const isStuck = ({ bootId, nextSeq, rows: [head] }: PendingWriter) =>
    stuckAt.get(bootId) === nextSeq || (head !== undefined && head.firstSeq > nextSeq);

  return {
    sort(writers, atOnce) {
      const stuck = writers.filter(isStuck);
      const isTime = atOnce || clock.monotonic() >= nextLookMs;
      if (stuck.length > 0 && isTime) {
        nextLookMs = clock.monotonic() + everyMs;
      }
      return {
        going: writers.filter((writer) => !stuck.includes(writer)),
        stuck: isTime ? stuck : [],
      };
    },
    note({ altered, stuckAt: found, hasLooked }) {
      if ([...found].some(([bootId, nextSeq]) => stuckAt.get(bootId) !== nextSeq)) {
        nextLookMs = 0;
      }
      // After a look only what it found: an altered batch may have been put right.
      stuckAt = new Map(hasLooked ? found : [...stuckAt, ...found]);
      if (known.size > MAX_KNOWN) {
        known.clear();
      }
      return altered
        .map(({ day, bootId, firstSeq }) => ({ day, bootId, firstSeq: Number(firstSeq) }))
        .filter((batch) => {
          const isNew = !known.has(keyOf(batch));
          known.add(keyOf(batch));
          return isNew;
        });
    },
    measure(writers) {
      const rows = writers.flatMap((writer) => writer.rows).filter((row) => !known.has(keyOf(row)));
      return {
        events: rows.reduce((sum, { count }) => sum + count, 0),
        seconds: rows.reduce((age, { ageSeconds }) => Math.max(age, ageSeconds), 0),
      };
    },
  };
}

const keyOf = (row: { day: string; bootId: string; firstSeq: number }): string =>
  `${row.day}/${row.bootId}/${row.firstSeq}`;
