import { TERM_KINDS, type Term } from '../../../crypto/audit-term.ts';
import type { SealedDisclosure } from '../../../crypto/open-disclosure.ts';
import { type Leaf, readLeaf } from '../../../domain/audit/read-leaf.ts';
import { hashLeaves } from '../../../tlog/hash.ts';
import { frameLengths, LEAF_HEAD, malformed, SEALED_HEAD, visitTerms } from './frames.ts';
import { encodeLeaves, encodeSealed, encodeTerms } from './framing.ts';

/** An event on its way into the tree, not from a batch: the bytes to be hashed, and what was read of them. */
export type SequencedEvent = {
  bytes: Buffer;
  leaf: Leaf;
  who: SealedDisclosure;
  what: SealedDisclosure;
  terms: readonly Term[];
};

/** Leaves and disclosures of events, framed: batches have the encoding that segments have. */
type SegmentColumns = { leaves: Buffer; who: Buffer; what: Buffer };

/** The same with the terms, which a segment has not; absent in batches of earlier versions. */
type BatchColumns = SegmentColumns & { terms?: Buffer | undefined };

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
  terms: BlockTerms;
  /** What can be searched for without a key, and the positions where it occurs. */
  facets: ReadonlyMap<string, readonly number[]>;
  /** Operation of the last event. */
  lastOp: string;
};

/** Terms as the halves of their 64 bits, and beside each the position of its event in the block. */
type BlockTerms = { highs: number[]; lows: number[]; places: number[] };

/** The block of events that come one by one. */
export function blockOfEvents(events: readonly SequencedEvent[]): SegmentBlock {
  const columns = {
    leaves: encodeLeaves(events.map(({ bytes }) => bytes)),
    who: encodeSealed(events.map(({ who }) => who)),
    what: encodeSealed(events.map(({ what }) => what)),
    terms: encodeTerms(events.map(({ terms }) => terms)),
  };
  return makeBlock(columns, events.length);
}

/**
 * Reads the columns of `count` events. Throws `internal` when they are not exactly so many, when a leaf cannot
 * be read, or when `isExpected` says no to one.
 */
export function makeBlock(
  columns: BatchColumns,
  count: number,
  isExpected: (leaf: Leaf, place: number) => boolean = () => true,
): SegmentBlock {
  const { leaves, who, what } = columns;
  const lengths = [
    frameLengths(leaves, count, LEAF_HEAD),
    frameLengths(who, count, SEALED_HEAD),
    frameLengths(what, count, SEALED_HEAD),
  ] as const;
  const timesMs = new Float64Array(count);
  const terms: BlockTerms = { highs: [], lows: [], places: [] };
  const facets = makeFacets();
  const entries = cut(leaves, lengths[0]);
  let lastOp = '';
  for (const [place, bytes] of entries.entries()) {
    const leaf = readLeaf(bytes);
    if (leaf === undefined || !isExpected(leaf, place)) throw malformed();
    timesMs[place] = leaf.t;
    // As `eventTerm` has it.
    idBytes.write(leaf.id, 'base64url');
    addTerm(terms, place, { bytes: idBytes, at: 0 });
    facets.add('op:', leaf.op, place);
    facets.add('out:', leaf.out, place);
    if (leaf.vlt !== undefined) facets.add('vlt:', leaf.vlt, place);
    lastOp = leaf.op;
  }
  addGivenTerms(columns.terms, { count, terms, facets });
  return {
    count,
    columns: { leaves, who, what },
    hashes: hashLeaves(entries),
    lengths: interleave(lengths),
    timesMs,
    terms,
    facets: facets.all(),
    lastOp,
  };
}

/** The id of the leaf in hand: overwritten by the next. */
const idBytes = Buffer.alloc(16);

function cut(leaves: Buffer, lengths: Uint32Array): Buffer[] {
  const entries: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    at += LEAF_HEAD + length;
    entries.push(leaves.subarray(at - length, at));
  }
  return entries;
}

function interleave([leaves, who, what]: readonly [Uint32Array, Uint32Array, Uint32Array]) {
  const lengths = new Uint32Array(3 * leaves.length);
  let at = 0;
  for (const [place, length] of leaves.entries()) {
    lengths[at] = LEAF_HEAD + length;
    lengths[at + 1] = SEALED_HEAD + (who[place] ?? 0);
    lengths[at + 2] = SEALED_HEAD + (what[place] ?? 0);
    at += 3;
  }
  return lengths;
}

function addTerm(
  { highs, lows, places }: BlockTerms,
  place: number,
  { bytes, at }: { bytes: Buffer; at: number },
): void {
  highs.push(bytes.readInt32BE(at));
  lows.push(bytes.readUInt32BE(at + 4));
  places.push(place);
}

/** Adds the terms that writers made. A purpose is a facet, too: `purposeFacet`. */
function addGivenTerms(
  bytes: Buffer | undefined,
  { count, terms, facets }: { count: number; terms: BlockTerms; facets: Facets },
): void {
  if (bytes === undefined) {
    return;
  }
  visitTerms(bytes, count, (place, kind, at) => {
    if (kind === TERM_KINDS.purpose) {
      facets.add('pur:', bytes.toString('hex', at, at + 8), place);
    } else {
      addTerm(terms, place, { bytes, at });
    }
  });
}

type Facets = ReturnType<typeof makeFacets>;

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
