import { readLeaf } from '../../../../domain/audit/read-leaf.ts';
import type {
  EventPage,
  EventQuery,
  LogPosition,
  StoredEvent,
} from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import { damaged } from './rows.ts';
import { listShards } from './shards.ts';
import { type Run, readEvents, readLeaves } from './slices.ts';
import { hasTimes } from './time-bounds.ts';
import { type Place, type Step, walkShard } from './walk.ts';

/** What one call may cost at most. A page that is not full by then has a `next` nevertheless. */
const MAX_SEGMENTS = 2_048;
const MAX_LEAVES = 5_000;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_CHUNK = 256;

/** What one call has done so far. */
type Progress = { events: StoredEvent[]; segments: number; leaves: number; bytes: number };

/** Searches from the newest event to the oldest; see `EventQuery`. */
export async function searchEvents(session: Session, query: EventQuery): Promise<EventPage> {
  const progress: Progress = { events: [], segments: 0, leaves: 0, bytes: 0 };
  for await (const step of walkLog(session, query)) {
    const next = await takeStep(session, query, { step, progress });
    if (next !== undefined) {
      return { events: progress.events, next };
    }
  }
  return { events: progress.events };
}

/** Adds what holds of a step's places. Returns where to go on when the page is full or the work done. */
async function takeStep(
  session: Session,
  query: EventQuery,
  { step, progress }: { step: Step; progress: Progress },
): Promise<LogPosition | undefined> {
  const { logId, places, reach, looked } = step;
  const { events } = progress;
  let chunk = 0;
  for (let done = 0; done < places.length; done += chunk) {
    const missing = query.limit - events.length;
    if (missing === 0 || isSpent(progress)) {
      return { logId, index: indexOf(places[done - 1]) };
    }
    // As many as are missing; when times ruled the last ones out, more at once.
    chunk = Math.min(MAX_CHUNK, Math.max(missing, 2 * chunk));
    const found = await readPlaces(session, query, {
      logId,
      places: places.slice(done, done + chunk),
      missing,
    });
    progress.leaves += chunk;
    progress.bytes += found.reduce((sum, event) => sum + bytesOf(event), 0);
    events.push(...found.slice(0, missing));
    if (found.length > missing) {
      return { logId, index: events.at(-1)?.index ?? 0 };
    }
  }
  progress.segments += looked;
  const isFull = events.length === query.limit;
  return isFull || isSpent(progress) ? { logId, index: reach } : undefined;
}

const isSpent = ({ segments, leaves, bytes }: Progress): boolean =>
  segments >= MAX_SEGMENTS || leaves >= MAX_LEAVES || bytes >= MAX_BYTES;

const bytesOf = ({ leaf, who, what }: StoredEvent): number =>
  leaf.length + who.sealed.length + what.sealed.length;

/** All steps through all shards, newest first. */
async function* walkLog(session: Session, query: EventQuery): AsyncGenerator<Step> {
  const { before } = query;
  if (query.termGroups.some(isEmpty) || query.facetGroups.some(isEmpty)) {
    return;
  }
  for (const shard of await listShards(session)) {
    const high = highestIndex(shard, before);
    if (high >= shard.minIndex) {
      yield* walkShard(session, query, { shard, high });
    }
  }
}

const isEmpty = (group: readonly unknown[]): boolean => group.length === 0;

function highestIndex(shard: { logId: number; size: number }, before?: LogPosition): number {
  if (before === undefined || shard.logId < before.logId) {
    return shard.size - 1;
  }
  return shard.logId > before.logId ? -1 : Math.min(shard.size, before.index) - 1;
}

/** The events at these places whose times hold, newest first. */
async function readPlaces(
  session: Session,
  query: EventQuery,
  { logId, places, missing }: { logId: number; places: readonly Place[]; missing: number },
): Promise<StoredEvent[]> {
  // More places than the page has room for: most are thought to fail, so their leaves come first.
  const wanted =
    places.length > missing ? await keepTimely(session, query, { logId, places }) : places;
  const events = await readEvents(session, logId, runsOf(wanted));
  return events.reverse().filter(({ leaf }) => isTimely(query, leaf));
}

async function keepTimely(
  session: Session,
  query: EventQuery,
  { logId, places }: { logId: number; places: readonly Place[] },
): Promise<Place[]> {
  const leaves = (await readLeaves(session, logId, runsOf(places))).flat().reverse();
  return places.filter((_, nth) => isTimely(query, leaves[nth] ?? ''));
}

function isTimely(query: EventQuery, bytes: Buffer | string): boolean {
  const { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = query;
  if (!hasTimes(query)) {
    return true;
  }
  const leaf = readLeaf(bytes);
  if (leaf === undefined) {
    throw damaged('an audit leaf cannot be read');
  }
  return leaf.t >= fromMs && leaf.t < toMs;
}

/** Ascending runs of neighbours, of places that descend. */
function runsOf(places: readonly Place[]): Run[] {
  const runs: Run[] = [];
  for (const { segment, place } of places.toReversed()) {
    const run = runs.at(-1);
    if (run?.segment === segment && run.to === place) {
      run.to = place + 1;
    } else {
      runs.push({ segment, from: place, to: place + 1 });
    }
  }
  return runs;
}

const indexOf = (place: Place | undefined): number => (place ? place.segment + place.place : 0);
