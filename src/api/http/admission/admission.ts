import type { Limits } from '../limits.ts';
import { makeAdaptiveLimit } from './adaptive-limit.ts';
import { makeRoom } from './room.ts';
import { addTo, type Holder, makeShares, type Usage } from './shares.ts';

/** Why a request is refused before it is worked on. Also a label of a metric. */
export type Refusal = 'draining' | 'full' | 'late' | 'memory' | 'bodies' | 'share';

/** What one request takes up, until it leaves. */
export type Visit = Usage & { holder: Holder | undefined };

/** Decides who is worked on. Everything in it is a number; whoever calls `turn` is its clock. */
export type Admission = {
  /** Why nobody is taken in now, whatever is asked. */
  closed(): Refusal | undefined;
  /**
   * Before anyone is known: takes a request in, with a body of so many bytes as declared, or says why not. A
   * large body counts as it arrives (`grow`): who only announces one, and then is slow, holds one unit.
   */
  enter(declaredBytes: number): Visit | Refusal;
  /** Once its caller is known: why the request must go after all. */
  identify(visit: Visit, caller: string): Refusal | undefined;
  /** More of a body has arrived that is large, or did not declare its length. */
  grow(visit: Visit, bytes: number): Refusal | undefined;
  /**
   * The request is over; `ms` when it was answered by an operation, and so says how long that takes. A stream
   * leaves when it begins, for it lasts as long as its client likes: from then on it asks for `room`.
   */
  leave(visit: Visit, ms?: number): void;
  /** Resolves when there is room for more work: streams slow down where other requests would be refused. */
  room(): Promise<void>;
  /** Ends a window of 100 ms. */
  turn(now: { lagMs: number; isHeapFull: boolean }): void;
  reading(): Usage & { limit: number };
};

type AdmissionLimits = Pick<
  Limits,
  'requestsInFlight' | 'leastInFlight' | 'targetMs' | 'answerMs' | 'bodyBytes' | 'largeBodiesBytes'
>;

/** A unit of work is a small request; a body is another unit for each so many bytes, some forty items. */
const UNIT_BYTES = 4096;
const MOST_UNITS = 64;
/** What a unit more may take longer, in milliseconds. */
const UNIT_MS = 4;
/** Bodies up to this size are bounded by the number of requests; larger ones share a budget. */
export const SMALL_BODY_BYTES = 16 * 1024;

/**
 * Makes the admission of one server. In units rather than requests, so that a batch of a thousand is no single
 * call, and without timers or promises for each request: what it costs is a few additions.
 */
export function makeAdmission(limits: AdmissionLimits): Admission {
  const { largeBodiesBytes, leastInFlight: least, requestsInFlight: most, targetMs } = limits;
  const limit = makeAdaptiveLimit({ least, most, targetMs });
  const shares = makeShares();
  const held: Usage = { units: 0, bodyBytes: 0 };
  const room = makeRoom(() => held.units < limit.current());
  let [peak, isHeapFull] = [0, false];

  function take(visit: Visit, more: Usage): void {
    addTo(visit, more);
    addTo(held, more);
    if (visit.holder !== undefined) addTo(visit.holder, more);
    if (held.units > peak) peak = held.units;
    room.wake();
  }

  /** A body that is alone may have any size that a body may have. */
  const lacksRoom = (bytes: number): boolean =>
    held.bodyBytes > 0 && held.bodyBytes + bytes > largeBodiesBytes;

  function findGreed(visit: Visit): Refusal | undefined {
    if (visit.holder === undefined) return undefined;
    const most = { units: limit.current(), bodyBytes: largeBodiesBytes };
    const of = { asked: visit, own: visit.holder, held, most };
    if (shares.isGreedy('units', of)) return 'share';
    return visit.bodyBytes > 0 && shares.isGreedy('bodyBytes', of) ? 'share' : undefined;
  }

  const closed = (): Refusal | undefined => {
    if (isHeapFull || held.units >= limit.current()) return isHeapFull ? 'memory' : 'full';
    // Few units are never late: what is slow then is not the work in front of this request.
    return held.units >= least && limit.expectedMs() > limits.answerMs ? 'late' : undefined;
  };

  return {
    closed,
    enter(declaredBytes) {
      const refusal = closed();
      if (refusal !== undefined) return refusal;
      const isLarge = declaredBytes > SMALL_BODY_BYTES;
      if (isLarge && lacksRoom(Math.min(declaredBytes, limits.bodyBytes))) return 'bodies';
      const visit: Visit = { units: 0, bodyBytes: 0, holder: undefined };
      take(visit, { units: isLarge ? 1 : unitsOf(declaredBytes), bodyBytes: 0 });
      return visit;
    },
    identify(visit, caller) {
      visit.holder = shares.holderOf(caller);
      addTo(visit.holder, visit);
      return findGreed(visit);
    },
    grow(visit, bytes) {
      const total = visit.bodyBytes + bytes;
      if (total > SMALL_BODY_BYTES && lacksRoom(bytes)) return 'bodies';
      take(visit, { units: Math.max(unitsOf(total) - visit.units, 0), bodyBytes: bytes });
      return total > SMALL_BODY_BYTES ? findGreed(visit) : undefined;
    },
    leave(visit, ms) {
      if (ms !== undefined) limit.answered(ms - UNIT_MS * (visit.units - 1));
      take(visit, { units: -visit.units, bodyBytes: -visit.bodyBytes });
    },
    room: room.wait,
    turn(now) {
      isHeapFull = now.isHeapFull;
      limit.turn({ peak, lagMs: now.lagMs });
      peak = held.units;
      shares.turn();
      room.wake();
    },
    reading: () => ({ limit: Math.floor(limit.current()), ...held }),
  };
}

function unitsOf(bodyBytes: number): number {
  return Math.min(1 + Math.floor(bodyBytes / UNIT_BYTES), MOST_UNITS);
}
