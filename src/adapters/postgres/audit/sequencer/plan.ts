import type { PendingName, PendingWriter } from './pending.ts';

/** What one transaction may take. */
export type Limits = { events: number; bytes: number };

/**
 * Chooses the rows of one cycle. Each writer's rows come in the order of its numbers and end where the
 * next number is not there; between writers those go first that wait longest, so that a backlog is
 * worked off in the order of arrival, and none can push others aside. At least one row, if any can be
 * taken. A row that overlaps its neighbour is chosen, too: which one is genuine shows later.
 *
 * @returns the rows, and whether others had no room
 */
export function planBatches(
  writers: readonly PendingWriter[],
  limits: Limits,
): { chosen: PendingName[]; isFull: boolean } {
  const waiting = writers.flatMap(chainOf).sort((a, b) => b.waited - a.waited);
  const chosen: PendingName[] = [];
  let [events, bytes] = [0, 0];
  for (const { row } of waiting) {
    events += row.count;
    bytes += row.bytes;
    if (chosen.length > 0 && (events > limits.events || bytes > limits.bytes)) {
      return { chosen, isFull: true };
    }
    chosen.push(row);
  }
  return { chosen, isFull: false };
}

/** A writer's rows up to its first hole. Nobody waits longer than the row before it. */
function chainOf({ nextSeq, rows }: PendingWriter): { row: PendingName; waited: number }[] {
  const chain: { row: PendingName; waited: number }[] = [];
  let end = nextSeq;
  let waited = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.firstSeq > end) {
      break;
    }
    waited = Math.min(waited, row.ageSeconds);
    end = Math.max(end, row.firstSeq + row.count);
    chain.push({ row, waited });
  }
  return chain;
}
