import { eventTerm, purposeFacet, type Term } from '../../../crypto/audit-term.ts';
import type { SealedDisclosure } from '../../../crypto/open-disclosure.ts';
import type { Leaf } from '../../../domain/audit/read-leaf.ts';
import { hashLeaves } from '../../../tlog/hash.ts';
import { encodeLeaves, encodeSealed } from './framing.ts';

/** An event on its way into the tree: the bytes to be hashed, and what was read of them. */
export type SequencedEvent = {
  bytes: Buffer;
  leaf: Leaf;
  who: SealedDisclosure;
  what: SealedDisclosure;
  terms: readonly Term[];
};

/** Leaves and disclosures of events, framed: batches have the encoding that segments have. */
export type SegmentColumns = { leaves: Buffer; who: Buffer; what: Buffer };

/**
 * Successive events of a segment, without the events: hashes, lengths and terms are all that is left to be
 * known of them. Thousands of them wait for each commit, and many small objects that live that long are
 * what a garbage collector is slowest at.
 */
export type SegmentBlock = {
  count: number;
  columns: SegmentColumns;
  /** Leaf hashes, one behind the other. */
  hashes: Buffer;
  /** Lengths of each event in the three columns, with their heads. */
  lengths: Uint32Array;
  /** Each event's time. */
  timesMs: Float64Array;
  /** Terms, and beside each the position of its event in the block, ascending. */
  terms: BigInt64Array;
  places: Uint16Array;
  /** What can be searched for without a key, and the positions where it occurs. */
  facets: ReadonlyMap<string, readonly number[]>;
  /** Operation of the last event. */
  lastOp: string;
};

const LEAF_HEAD = 2;
const SEALED_HEAD = 8;

/**
 * Gathers events into a block; each is looked at once, and let go. `columns` are those of exactly these
 * events, when the caller has them already.
 */
export function makeBlock(events: Iterable<SequencedEvent>, columns: SegmentColumns): SegmentBlock {
  const bytes: Buffer[] = [];
  const lengths: number[] = [];
  const timesMs: number[] = [];
  const terms: bigint[] = [];
  const places: number[] = [];
  const facets = makeFacets();
  let lastOp = '';
  for (const { bytes: leafBytes, leaf, who, what, terms: given } of events) {
    const place = timesMs.length;
    bytes.push(leafBytes);
    lengths.push(
      LEAF_HEAD + leafBytes.length,
      SEALED_HEAD + who.sealed.length,
      SEALED_HEAD + what.sealed.length,
    );
    timesMs.push(leaf.t);
    terms.push(eventTerm(leaf.id));
    places.push(place);
    for (const { kind, hash } of given) {
      if (kind === 'purpose') {
        facets.add('', purposeFacet(hash), place);
      } else {
        terms.push(hash);
        places.push(place);
      }
    }
    facets.add('op:', leaf.op, place);
    facets.add('out:', leaf.out, place);
    if (leaf.vlt !== undefined) facets.add('vlt:', leaf.vlt, place);
    lastOp = leaf.op;
  }
  return {
    count: timesMs.length,
    columns,
    hashes: hashLeaves(bytes),
    lengths: Uint32Array.from(lengths),
    timesMs: Float64Array.from(timesMs),
    terms: BigInt64Array.from(terms),
    places: Uint16Array.from(places),
    facets: facets.all(),
    lastOp,
  };
}

/** The columns of events that come one by one. */
export function encodeColumns(events: readonly SequencedEvent[]): SegmentColumns {
  return {
    leaves: encodeLeaves(events.map(({ bytes }) => bytes)),
    who: encodeSealed(events.map(({ who }) => who)),
    what: encodeSealed(events.map(({ what }) => what)),
  };
}

/** Positions of each facet. By prefix and name, so that no text is made for each event. */
function makeFacets() {
  const known = new Map<string, Map<string, number[]>>();
  return {
    add(prefix: string, name: string, place: number): void {
      const names = known.get(prefix) ?? new Map<string, number[]>();
      known.set(prefix, names);
      const places = names.get(name) ?? [];
      names.set(name, places);
      if (places.at(-1) !== place) {
        places.push(place);
      }
    },
    all: (): Map<string, number[]> =>
      new Map(
        [...known].flatMap(([prefix, names]) =>
          [...names].map(([name, places]) => [prefix + name, places] as const),
        ),
      ),
  };
}
