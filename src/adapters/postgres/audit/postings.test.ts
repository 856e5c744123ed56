import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { facetTerm } from '../../../crypto/audit-term.ts';
import { randomBytes } from '../../../crypto/random.ts';
import { readLeaf } from '../../../domain/audit/read-leaf.ts';
import { indexBlocks, leafFacetsOf } from './postings.ts';
import { blockOfEvents, type SequencedEvent } from './segment-block.ts';

function makeEvent(hashes: readonly bigint[], more = {}): SequencedEvent {
  const id = randomBytes(16).toString('base64url');
  const text = JSON.stringify({
    _sd: [],
    id,
    n: 1,
    op: 'detokenize',
    out: 'allow',
    rc: 200,
    t: 1,
    v: 1,
    ...more,
  });
  const leaf = readLeaf(text);
  assert.ok(leaf);
  const none = { vaultId: 0, sealed: Buffer.alloc(0) };
  const terms = hashes.map((hash) => ({ kind: 'token' as const, hash }));
  return { bytes: Buffer.from(text), leaf, who: none, what: none, terms };
}

/** What the database makes of it: each term with its positions, in order of the array. */
function read(blocks: ReturnType<typeof blockOfEvents>[]): [bigint, number[]][] {
  const { terms, positions } = indexBlocks(blocks);
  const lists = [...positions.matchAll(/"\{([\d,]+)\}"/g)].map(([, list = '']) =>
    list.split(',').map(Number),
  );
  assert.equal(terms.readInt32BE(12), lists.length);
  assert.equal(terms.length, 20 + 12 * lists.length);
  return lists.map((list, index) => [terms.readBigInt64BE(24 + 12 * index), list]);
}

test('each term stands once, in order, with the ascending positions of all its events', () => {
  const events = fc.array(fc.array(fc.bigInt({ min: -3n, max: 3n }), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(events, fc.nat({ max: 12 }), (given, cut) => {
      const made = given.map((hashes) => makeEvent(hashes));
      const parts = [made.slice(0, cut), made.slice(cut)].filter((part) => part.length > 0);
      const index = read(parts.map(blockOfEvents));
      const order = index.map(([term]) => term);
      assert.deepEqual(
        order,
        [...new Set(order)].sort((a, b) => (a < b ? -1 : 1)),
      );
      const found = new Map(index);
      for (const term of new Set(given.flat())) {
        const places = given.flatMap((hashes, place) => (hashes.includes(term) ? [place] : []));
        assert.deepEqual(found.get(term), places);
      }
      assert.deepEqual(found.get(facetTerm('op:detokenize')), [...given.keys()]);
    }),
  );
});

test('a term that equals one of a facet by chance is merged with it', () => {
  const term = facetTerm('vlt:demo');
  const events = [
    makeEvent([term]),
    makeEvent([], { vlt: 'demo' }),
    makeEvent([term], { vlt: 'demo' }),
  ];
  const found = new Map(read([blockOfEvents(events.slice(0, 1)), blockOfEvents(events.slice(1))]));
  assert.deepEqual(found.get(term), [0, 1, 2]);
});

test('purposes are terms, not facets of leaves', () => {
  const event = makeEvent([], { vlt: 'demo' });
  const block = blockOfEvents([{ ...event, terms: [{ kind: 'purpose', hash: 5n }] }]);
  assert.deepEqual(leafFacetsOf([block]).sort(), ['op:detokenize', 'out:allow', 'vlt:demo']);
  const found = new Map(read([block]));
  assert.deepEqual(found.get(facetTerm('pur:0000000000000005')), [0]);
  assert.equal(found.has(5n), false);
});
