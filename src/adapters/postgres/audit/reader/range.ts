import type { StoredEvent } from '../../../../operations/ports/audit-reader.ts';
import { encodeBundle } from '../../../../tlog/bundle.ts';
import { TILE_WIDTH, tileWidth } from '../../../../tlog/tile.ts';
import type { Session } from '../../session.ts';
import { damaged, type Int8 } from './rows.ts';
import { type Run, readEvents, readLeaves } from './slices.ts';

type SegmentRow = { first_index: Int8; n: number };

// The segment that `from` lies in begins at or before it.
const OVERLAPPING = `
select first_index, n from audit_segment
where log_id = $1 and first_index < $3 and first_index >= coalesce(
  (select max(first_index) from audit_segment where log_id = $1 and first_index <= $2), 0)
order by first_index`;

const PUBLISHED = `
select log.min_index, (select max(size) from audit_checkpoint where log_id = $1) as size
from audit_log log where log.log_id = $1`;

/** All events from `from` to `to` (exclusive), which must exist. Rejects with `internal` when not. */
export async function readRange(
  session: Session,
  logId: number,
  range: { from: number; to: number },
): Promise<StoredEvent[]> {
  return readEvents(session, logId, await runsBetween(session, logId, range));
}

/**
 * An entry bundle (tlog-tiles) that the newest published tree has. `undefined` when it is wider than
 * that, and when the full bundle ends at or before the minimum index (tlog-tiles, pruning).
 */
export async function readBundle(
  session: Session,
  logId: number,
  { index, width }: { index: number; width: number },
): Promise<Buffer | undefined> {
  const [row] = await session.rows<{ min_index: Int8; size: Int8 | null }>({
    name: 'audit-published',
    text: PUBLISHED,
    values: [logId],
  });
  if (row === undefined) {
    return undefined;
  }
  const size = Number(row.size ?? 0);
  const isPruned = (index + 1) * TILE_WIDTH <= Number(row.min_index);
  if (isPruned || tileWidth({ level: 0, index, size }) < width) {
    return undefined;
  }
  const from = index * TILE_WIDTH;
  const runs = await runsBetween(session, logId, { from, to: from + width });
  return encodeBundle((await readLeaves(session, logId, runs)).flat());
}

async function runsBetween(
  session: Session,
  logId: number,
  { from, to }: { from: number; to: number },
): Promise<Run[]> {
  const rows = await session.rows<SegmentRow>({
    name: 'audit-overlapping',
    text: OVERLAPPING,
    values: [logId, from, to],
  });
  const runs: Run[] = [];
  let at = from;
  for (const { first_index, n } of rows) {
    const segment = Number(first_index);
    const run = { segment, from: at - segment, to: Math.min(n, to - segment) };
    if (run.from < 0 || run.from >= run.to) {
      break;
    }
    runs.push(run);
    at = segment + run.to;
  }
  if (at !== to) {
    throw damaged('a segment of the log is lost');
  }
  return runs;
}
