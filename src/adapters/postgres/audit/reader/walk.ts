import { facetTerm } from '../../../../crypto/audit-term.ts';
import type { EventQuery, Shard } from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import { MAX_SEGMENT_EVENTS } from '../segment.ts';
import {
  type Block,
  type Group,
  matchingPlaces,
  newestOfGroups,
  type Stretch,
} from './postings.ts';
import type { Int8 } from './rows.ts';
import { hasTimes, lateSegments, segmentsWithin, timeBounds } from './time-bounds.ts';

/** An event that the index names: its place in a segment of a shard. */
export type Place = { segment: number; place: number };

/** One step down the log: all matches from `reach` on upwards that no step before has given. */
export type Step = {
  logId: number;
  /** Newest first. Terms hold for each of them; times only for its segment. */
  places: readonly Place[];
  reach: number;
  /** How many segments were looked into. */
  looked: number;
};

/** A step looks into this many segments at first: dense hits fill a page with these. */
const FIRST_SEGMENTS = 4;
const MOST_SEGMENTS = 256;
const GROWTH = 4;

const NEWEST_SEGMENTS = `
select first_index from audit_segment
where log_id = $1 and first_index between $2 and $3 order by first_index desc limit $4`;

const COUNTS = `
select first_index, n from audit_segment where log_id = $1 and first_index = any($2)
order by first_index desc`;

/**
 * Walks down one shard from `high`, in steps that grow. Each step follows the group that is rarest
 * there, and looks into its segments only.
 */
export async function* walkShard(
  session: Session,
  query: EventQuery,
  { shard, high }: { shard: Shard; high: number },
): AsyncGenerator<Step> {
  const { logId, minIndex } = shard;
  const groups = groupsOf(query);
  const bounds = await timeBounds(session, logId, query);
  if (bounds === undefined) {
    return;
  }
  // No segment that begins below this reaches the first event that is not pruned.
  const bottom = Math.max(bounds.low, minIndex - MAX_SEGMENT_EVENTS + 1);
  let [top, limit] = [high, FIRST_SEGMENTS];
  while (top >= bottom) {
    const isLate = top >= bounds.settled;
    const low = isLate ? Math.max(bounds.settled, bottom) : bottom;
    const stretch = { logId, low, high: top, limit };
    const block = isLate
      ? blockOf(await lateSegments(session, query, stretch), stretch)
      : await nextBlock(session, groups, stretch);
    const segments =
      hasTimes(query) && !isLate
        ? await segmentsWithin(session, query, { logId, segments: block.segments })
        : block.segments;
    const places = await placesIn(session, groups, { logId, segments });
    yield {
      logId,
      places: places.filter(
        ({ segment, place }) => segment + place <= high && segment + place >= minIndex,
      ),
      reach: block.reach,
      looked: block.segments.length,
    };
    top = block.reach - 1;
    limit = Math.min(MOST_SEGMENTS, limit * GROWTH);
  }
}

/** Facets are terms, too. */
function groupsOf({ termGroups, facetGroups }: EventQuery): Group[] {
  return [...termGroups, ...facetGroups.map((facets) => facets.map(facetTerm))];
}

/** The next segments to look into: those of the group that takes us furthest down. */
async function nextBlock(
  session: Session,
  groups: readonly Group[],
  stretch: Stretch & { limit: number },
): Promise<Block> {
  if (groups.length === 0) {
    const { logId, low, high, limit } = stretch;
    const rows = await session.rows<{ first_index: Int8 }>({
      text: NEWEST_SEGMENTS,
      values: [logId, low, high, limit],
    });
    return blockOf(
      rows.map(({ first_index }) => Number(first_index)),
      stretch,
    );
  }
  const blocks = await newestOfGroups(session, groups, stretch);
  return blocks.reduce((rarest, block) => (isRarer(block, rarest) ? block : rarest));
}

const isRarer = (a: Block, b: Block): boolean =>
  a.reach === b.reach ? a.segments.length < b.segments.length : a.reach < b.reach;

function blockOf(
  segments: readonly number[],
  { low, limit }: { low: number; limit: number },
): Block {
  return { segments, reach: segments.length < limit ? low : (segments.at(-1) ?? low) };
}

/** The matches in these segments, newest first; without groups, all of their events. */
async function placesIn(
  session: Session,
  groups: readonly Group[],
  where: { logId: number; segments: readonly number[] },
): Promise<Place[]> {
  if (where.segments.length === 0) {
    return [];
  }
  const matches =
    groups.length === 0
      ? await allPlaces(session, where)
      : await matchingPlaces(session, groups, where);
  return where.segments.flatMap((segment) =>
    (matches.get(segment) ?? []).map((place) => ({ segment, place })),
  );
}

async function allPlaces(
  session: Session,
  { logId, segments }: { logId: number; segments: readonly number[] },
): Promise<Map<number, number[]>> {
  const rows = await session.rows<{ first_index: Int8; n: number }>({
    text: COUNTS,
    values: [logId, segments],
  });
  return new Map(
    rows.map(({ first_index, n }) => [
      Number(first_index),
      Array.from({ length: n }, (_, nth) => n - 1 - nth),
    ]),
  );
}
