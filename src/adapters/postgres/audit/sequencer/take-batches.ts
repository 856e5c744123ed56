import type { SecretKey } from '../../../../crypto/secret.ts';
import type { StoredBatch } from '../pending-row.ts';
import type { Draft } from './draft.ts';
import { openBatch } from './open-batch.ts';
import type { CycleReport } from './report.ts';

/** Differences that are no news: threads, and the correction of clocks by a time service. */
const CLOCK_TOLERANCE_MS = 1_000;
/** Writers whose last time is remembered. */
const MAX_TIMES = 10_000;

/** Watches the times of each writer's leaves: they are its clock's, and order does not depend on them. */
export type ClockWatch = (bootId: string, timesMs: Iterable<number>) => CycleReport['clockBack'];

/** Makes a watch that knows no writer yet. */
export function makeClockWatch(): ClockWatch {
  const lastMs = new Map<string, number>();
  return (bootId, timesMs) => {
    let last = lastMs.get(bootId) ?? 0;
    let backMs = 0;
    for (const ms of timesMs) {
      backMs = Math.max(backMs, last - ms);
      last = ms;
    }
    if (lastMs.size >= MAX_TIMES) {
      lastMs.clear();
    }
    lastMs.set(bootId, last);
    return backMs > CLOCK_TOLERANCE_MS ? [{ bootId, backMs }] : [];
  };
}

/**
 * Puts the events of intact batches into the draft, each writer's from its next number on. A batch that
 * is not intact, or not the next one, is left out: so is then all that follows it.
 *
 * @param input.nextSeqs each writer's next number before this
 * @returns the batches that are not intact
 */
export function takeBatches(
  draft: Draft,
  input: {
    batches: readonly StoredBatch[];
    nextSeqs: ReadonlyMap<string, number>;
    auditMac: SecretKey;
    watchClock: ClockWatch;
  },
): { altered: StoredBatch[]; bytes: number; clockBack: CycleReport['clockBack'] } {
  const nextSeqs = new Map(input.nextSeqs);
  const altered: StoredBatch[] = [];
  const clockBack: CycleReport['clockBack'] = [];
  let bytes = 0;
  for (const batch of input.batches) {
    const { bootId, day, count } = batch;
    const nextSeq = nextSeqs.get(bootId);
    const block = openBatch(input.auditMac, batch);
    if (block === undefined) {
      altered.push(batch);
    } else if (Number(batch.firstSeq) === nextSeq && count <= draft.room()) {
      const closed = block.lastOp === 'audit.writer.stop';
      draft.add(bootId, block, { nextSeq: nextSeq + count, day, closed });
      nextSeqs.set(bootId, nextSeq + count);
      // The start leaf is made when the first events have waited already, and stands before them.
      const timesMs = block.timesMs.subarray(nextSeq === 0 ? 1 : 0);
      clockBack.push(...input.watchClock(bootId, timesMs));
      bytes += bytesOf(batch);
    }
  }
  return { altered, bytes, clockBack };
}

const bytesOf = ({ leaves, who, what, terms }: StoredBatch): number =>
  leaves.length + who.length + what.length + (terms?.length ?? 0);
