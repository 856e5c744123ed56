import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { TERM_KINDS } from '../../../crypto/audit-term.ts';
import { frameLengths, LEAF_HEAD, SEALED_HEAD, visitTerms } from './frames.ts';
import { decodeLeaves, decodeSealed, decodeTerms, encodeTerms } from './framing.ts';

/** Bytes that often are a few frames, and often almost. */
const BYTES = fc
  .array(
    fc.oneof(
      fc.constantFrom([0, 0], [0, 1], [0, 2], [0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 1, 7]),
      fc.array(fc.constantFrom(0, 1, 2, 4, 5, 255), { maxLength: 9 }),
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.from(parts.flat()));
const COUNT = fc.nat({ max: 4 });

function outcomeOf<T>(read: () => T): T | 'refused' {
  try {
    return read();
  } catch {
    return 'refused';
  }
}

it('reads the lengths that the decoders read, and refuses what they refuse', () => {
  fc.assert(
    fc.property(BYTES, COUNT, (bytes, count) => {
      assert.deepEqual(
        outcomeOf(() => [...frameLengths(bytes, count, LEAF_HEAD)]),
        outcomeOf(() => decodeLeaves(bytes, count).map(({ length }) => length)),
      );
      assert.deepEqual(
        outcomeOf(() => [...frameLengths(bytes, count, SEALED_HEAD)]),
        outcomeOf(() => decodeSealed(bytes, count).map(({ sealed }) => sealed.length)),
      );
    }),
    { numRuns: 1_000 },
  );
});

/** The terms as they are visited, by event. */
function readTerms(bytes: Buffer, count: number) {
  const events = Array.from({ length: count }, (): unknown[] => []);
  visitTerms(bytes, count, (place, kind, at) => {
    events[place]?.push([kind, bytes.readBigInt64BE(at)]);
  });
  return events;
}

const decoded = (bytes: Buffer, count: number) =>
  decodeTerms(bytes, count).map((terms) => terms.map(({ kind, hash }) => [TERM_KINDS[kind], hash]));

const TERM = fc.record({
  kind: fc.constantFrom('token', 'actor', 'reference', 'purpose'),
  hash: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

it('visits the terms that the decoder reads, in order, and refuses what it refuses', () => {
  fc.assert(
    fc.property(fc.array(fc.array(TERM, { maxLength: 4 }), { maxLength: 4 }), (events) => {
      const bytes = encodeTerms(events);
      assert.deepEqual(readTerms(bytes, events.length), decoded(bytes, events.length));
    }),
  );
  fc.assert(
    fc.property(BYTES, COUNT, (bytes, count) => {
      assert.deepEqual(
        outcomeOf(() => readTerms(bytes, count)),
        outcomeOf(() => decoded(bytes, count)),
      );
    }),
    { numRuns: 1_000 },
  );
});

it('refuses a number of frames that none can be', () => {
  for (const count of [-1, Number.NaN]) {
    assert.throws(() => frameLengths(Buffer.alloc(0), count, LEAF_HEAD), { code: 'internal' });
  }
});
