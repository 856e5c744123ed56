import { facetTerm } from '../../../crypto/audit-term.ts';
import type { SegmentBlock } from './segment-block.ts';

/** The blind index of one segment, as `audit_append` takes it: the terms in order, each once. */
export type Postings = {
  /** `bigint[]` in the binary format of Postgres. */
  terms: Buffer;
  /** `text[]`: for each term the positions of its events, ascending, as an array of its own. */
  positions: string;
};

/** A term as the halves of its 64 bits, and the positions where it occurs. */
type Posting = { high: number; low: number; places: number[] };

/**
 * Makes the index of the blocks of a segment. Sorted by term, because an index of the database takes
 * entries that come in order with half the work.
 */
export function indexBlocks(blocks: readonly SegmentBlock[]): Postings {
  // Facets come last and are few: the sort finds nearly all in order.
  const postings = merge([...termPostings(blocks), ...facetPostings(blocks)].sort(byTerm));
  return {
    terms: encodeTerms(postings),
    positions: `{${postings.map(({ places }) => `"{${places.join(',')}}"`).join(',')}}`,
  };
}

/** Every facet of these blocks that stands in leaves, once; purposes are terms only. */
export function leafFacetsOf(blocks: readonly SegmentBlock[]): string[] {
  const facets = new Set(blocks.flatMap((block) => [...block.facets.keys()]));
  return [...facets].filter((facet) => !facet.startsWith('pur:'));
}

/** One posting for each occurrence, sorted as numbers: big integers are slow keys of maps. */
function termPostings(blocks: readonly SegmentBlock[]): Posting[] {
  const total = blocks.reduce((sum, { terms }) => sum + terms.places.length, 0);
  const highs = new Int32Array(total);
  const lows = new Uint32Array(total);
  const places = new Uint32Array(total);
  let [at, first] = [0, 0];
  for (const { terms, count } of blocks) {
    highs.set(terms.highs, at);
    lows.set(terms.lows, at);
    for (const place of terms.places) {
      places[at] = first + place;
      at += 1;
    }
    first += count;
  }
  const valueAt = (numbers: Int32Array | Uint32Array, index: number) => numbers[index] ?? 0;
  const order = Uint32Array.from(highs.keys()).sort(
    (a, b) => valueAt(highs, a) - valueAt(highs, b) || valueAt(lows, a) - valueAt(lows, b) || a - b,
  );
  return Array.from(order, (index) => ({
    high: valueAt(highs, index),
    low: valueAt(lows, index),
    places: [valueAt(places, index)],
  }));
}

function facetPostings(blocks: readonly SegmentBlock[]): Posting[] {
  const places = new Map<string, number[]>();
  let first = 0;
  for (const { facets, count } of blocks) {
    for (const [facet, inBlock] of facets) {
      const all = places.get(facet) ?? [];
      places.set(facet, all);
      for (const place of inBlock) all.push(first + place);
    }
    first += count;
  }
  return [...places].map(([facet, all]) => {
    const term = facetTerm(facet);
    return { high: Number(term >> 32n), low: Number(term & 0xffff_ffffn), places: all };
  });
}

const byTerm = (a: Posting, b: Posting): number => a.high - b.high || a.low - b.low;

/** Each term once, with all its positions: one that occurs twice would be refused by the index. */
function merge(sorted: readonly Posting[]): Posting[] {
  const merged: Posting[] = [];
  for (const posting of sorted) {
    const last = merged.at(-1);
    if (last === undefined || byTerm(last, posting) !== 0) {
      merged.push(posting);
    } else if (Number(last.places.at(-1)) < Number(posting.places[0])) {
      for (const place of posting.places) last.places.push(place);
    } else {
      // The same token twice in an event, or 64 equal bits by chance.
      const all = new Set([...last.places, ...posting.places]);
      last.places = [...all].sort((a, b) => a - b);
    }
  }
  return merged;
}

/** Dimensions, flags, type of the elements; then length and lower bound of the one dimension. */
const ARRAY_HEAD = 20;
const ELEMENT_BYTES = 8;
const INT8_OID = 20;

/** PostgreSQL's `array_recv`: the head, then each element behind its length. */
function encodeTerms(postings: readonly Posting[]): Buffer {
  const encoded = Buffer.alloc(ARRAY_HEAD + postings.length * (4 + ELEMENT_BYTES));
  encoded.writeInt32BE(1, 0);
  encoded.writeInt32BE(INT8_OID, 8);
  encoded.writeInt32BE(postings.length, 12);
  let offset = encoded.writeInt32BE(1, 16);
  for (const { high, low } of postings) {
    offset = encoded.writeInt32BE(ELEMENT_BYTES, offset);
    offset = encoded.writeInt32BE(high, offset);
    offset = encoded.writeUInt32BE(low, offset);
  }
  return encoded;
}
