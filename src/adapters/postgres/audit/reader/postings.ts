import type { Session } from '../../session.ts';
import { damaged, type Int8 } from './rows.ts';

/** Terms of which an event must have one. */
export type Group = readonly bigint[];

/** Segments of one shard whose first index is from `low` to `high`, both inclusive. */
export type Stretch = { logId: number; low: number; high: number };

/**
 * The newest segments of a stretch that a group occurs in, newest first; `reach` is how far down they
 * are complete.
 */
export type Block = { segments: readonly number[]; reach: number };

// Each term's part is ordered by the primary key, and ends at the limit: no sort, no heap.
const NEWEST = `
select wanted.ord, found.segment
from unnest($1::int[], $2::bigint[]) as wanted (ord, term)
cross join lateral (
  select segment from audit_term
  where term = wanted.term and log_id = $3 and segment between $4 and $5
  order by segment desc limit $6
) found`;

// Two lists, not their product: the server walks the index once, also when both are long. Positions as
// the wire format has them: to parse a dense list from its text takes twenty times as long.
const POSITIONS = `
select term, segment, array_send(positions) as positions from audit_term
where term = any($1::bigint[]) and log_id = $2 and segment = any($3::bigint[])`;

/** For each group the newest segments of the stretch, at most `limit` of them. */
export async function newestOfGroups(
  session: Session,
  groups: readonly Group[],
  { logId, low, high, limit }: Stretch & { limit: number },
): Promise<Block[]> {
  const rows = await session.rows<{ ord: number; segment: Int8 }>({
    text: NEWEST,
    values: [
      groups.flatMap((group, ord) => group.map(() => ord)),
      groups.flat(),
      logId,
      low,
      high,
      limit,
    ],
  });
  const found = groups.map(() => new Set<number>());
  for (const { ord, segment } of rows) {
    found[ord]?.add(Number(segment));
  }
  return found.map((segments) => {
    const newest = [...segments].sort((a, b) => b - a).slice(0, limit);
    return { segments: newest, reach: newest.length < limit ? low : (newest.at(-1) ?? low) };
  });
}

/** Places within each segment that have a term of every group, descending. */
export async function matchingPlaces(
  session: Session,
  groups: readonly Group[],
  { logId, segments }: { logId: number; segments: readonly number[] },
): Promise<Map<number, number[]>> {
  const rows = await session.rows<{ term: Int8; segment: Int8; positions: Buffer }>({
    text: POSITIONS,
    values: [groups.flat(), logId, segments],
  });
  const groupsOf = Map.groupBy(
    groups.flatMap((group, ord) => group.map((term) => ({ term, ord }))),
    ({ term }) => term,
  );
  const bySegment = new Map(segments.map((each) => [each, groups.map((): Posting[] => [])]));
  for (const { term, segment, positions } of rows) {
    const posting = openPosting(positions);
    for (const { ord } of groupsOf.get(BigInt(term)) ?? []) {
      bySegment.get(Number(segment))?.[ord]?.push(posting);
    }
  }
  return new Map([...bySegment].map(([segment, found]) => [segment, intersect(found)]));
}

/** Goes through the group that has the fewest places here, and looks them up in the others. */
function intersect(groups: readonly Posting[][]): number[] {
  const size = (postings: Posting[]) => postings.reduce((sum, { count }) => sum + count, 0);
  const [fewest = [], ...others] = groups.toSorted((a, b) => size(a) - size(b));
  const places = new Set(
    fewest.flatMap(({ count, at }) => Array.from({ length: count }, (_, nth) => at(nth))),
  );
  return [...places]
    .filter((place) => others.every((postings) => postings.some((each) => hasPlace(each, place))))
    .sort((a, b) => b - a);
}

/** Places in one segment, ascending; read where they lie, since most of a dense list is never asked for. */
type Posting = { count: number; at: (nth: number) => number };

const ONE_DIMENSION_HEAD = 20;
const EMPTY_HEAD = 12;
const ELEMENT_BYTES = 6;

/** A `smallint[]` in wire format: five words of head, then for each element its length and its value. */
function openPosting(bytes: Buffer): Posting {
  const count =
    bytes.length === EMPTY_HEAD ? 0 : (bytes.length - ONE_DIMENSION_HEAD) / ELEMENT_BYTES;
  if (!Number.isInteger(count) || count < 0) {
    throw damaged('a posting of the audit log is torn');
  }
  return {
    count,
    at: (nth) => bytes.readInt16BE(ONE_DIMENSION_HEAD + nth * ELEMENT_BYTES + 4),
  };
}

function hasPlace({ count, at }: Posting, place: number): boolean {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (at(middle) < place) low = middle + 1;
    else high = middle;
  }
  return low < count && at(low) === place;
}
