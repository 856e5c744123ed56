import type { EventQuery } from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import type { Stretch } from './postings.ts';
import type { Int8 } from './rows.ts';

type Times = Pick<EventQuery, 'fromMs' | 'toMs'>;

/** The lateness from which the index `audit_segment_late` knows a segment. */
const LATE_MS = 60_000;

// `reached_ms` ascends within a shard. Before the first segment that reached `from`, all is older. From
// the first one on that reached `to` by a minute, all is newer, but for the late ones.
const BOUNDS = `
select
  (select first_index from audit_segment where log_id = $1 and reached_ms >= $2
    order by reached_ms, first_index limit 1) as low,
  (select first_index from audit_segment where log_id = $1 and reached_ms >= $3
    order by reached_ms, first_index limit 1) as beyond`;

// Word for word the condition of the index.
const LATE = `
select first_index from audit_segment
where log_id = $1 and first_index between $2 and $3 and reached_ms - first_ms > 60000
  and first_ms < $4 and last_ms >= $5
order by first_index desc limit $6`;

const OVERLAPPING = `
select s.first_index from unnest($2::bigint[]) as wanted (segment)
join audit_segment s on s.log_id = $1 and s.first_index = wanted.segment
where s.first_ms < $3 and s.last_ms >= $4
order by s.first_index desc`;

const ALWAYS = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER - LATE_MS };

export const hasTimes = ({ fromMs, toMs }: Times): boolean =>
  fromMs !== undefined || toMs !== undefined;

/**
 * Where in a shard events of these times may be: none below `low` (`undefined`: none at all), and from
 * `settled` on upwards only in late segments.
 */
export async function timeBounds(
  session: Session,
  logId: number,
  times: Times,
): Promise<{ low: number; settled: number } | undefined> {
  if (!hasTimes(times)) {
    return { low: 0, settled: Number.MAX_SAFE_INTEGER };
  }
  const { fromMs, toMs } = withDefaults(times);
  const [row] = await session.rows<{ low: Int8 | null; beyond: Int8 | null }>({
    text: BOUNDS,
    values: [logId, fromMs, toMs + LATE_MS],
  });
  if (row === undefined || row.low === null) {
    return undefined;
  }
  const settled = row.beyond === null ? Number.MAX_SAFE_INTEGER : Number(row.beyond);
  return { low: Number(row.low), settled };
}

/** The newest late segments of a stretch that may have events of these times, newest first. */
export async function lateSegments(
  session: Session,
  times: Times,
  { logId, low, high, limit }: Stretch & { limit: number },
): Promise<number[]> {
  const { fromMs, toMs } = withDefaults(times);
  const rows = await session.rows<{ first_index: Int8 }>({
    text: LATE,
    values: [logId, low, high, toMs, fromMs, limit],
  });
  return rows.map(({ first_index }) => Number(first_index));
}

/** Those of the segments that may have events of these times, newest first. */
export async function segmentsWithin(
  session: Session,
  times: Times,
  { logId, segments }: { logId: number; segments: readonly number[] },
): Promise<number[]> {
  const { fromMs, toMs } = withDefaults(times);
  const rows = await session.rows<{ first_index: Int8 }>({
    text: OVERLAPPING,
    values: [logId, segments, toMs, fromMs],
  });
  return rows.map(({ first_index }) => Number(first_index));
}

function withDefaults({ fromMs = ALWAYS.fromMs, toMs = ALWAYS.toMs }: Times) {
  return { fromMs, toMs: Math.min(toMs, ALWAYS.toMs) };
}
