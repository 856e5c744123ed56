import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FramePart, frame, pad, paddedLength, unpad, utf8 } from './framing.ts';

const part = (): fc.Arbitrary<FramePart> =>
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.uint8Array({ maxLength: 12 }),
    fc.maxSafeInteger(),
  );

/** Reads a frame back: if this always gives the parts, no two lists share a frame. */
function parse(framed: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < framed.length; ) {
    const length = framed.readUInt32BE(offset);
    parts.push(framed.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return parts;
}

test('a frame tells its parts exactly, so different parts never share a frame', () => {
  fc.assert(
    fc.property(fc.array(part(), { maxLength: 8 }), (parts) => {
      const expected = parts.map((one) =>
        one instanceof Uint8Array ? Buffer.from(one) : Buffer.from(String(one)),
      );
      assert.deepEqual(parse(frame(parts)), expected);
    }),
  );
});

test('a frame that goes on from a head is the frame of all the parts', () => {
  const parts = fc.array(part(), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (first, second) => {
      assert.deepEqual(frame(second, frame(first)), frame([...first, ...second]));
    }),
  );
});

test('bytes cannot move from one part to its neighbour', () => {
  assert.notDeepEqual(frame(['ab', 'c']), frame(['a', 'bc']));
  assert.notDeepEqual(frame(['', 'a']), frame(['a', '']));
  assert.notDeepEqual(frame(['a']), frame(['a', '']));
  assert.notDeepEqual(frame([1, 23]), frame([12, 3]));
  assert.equal(frame(['ab', 7]).toString('hex'), '0000000261620000000137');
});

test('lone surrogates and unsafe numbers are refused instead of colliding', () => {
  for (const text of ['\ud800', 'a\udc00', '\udc00\ud800']) {
    assert.throws(() => frame([text]), { code: 'internal' });
    assert.throws(() => utf8(text), { code: 'internal' });
  }
  assert.equal(utf8('😀').toString('hex'), 'f09f9880');
  for (const number of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => frame([number]), { code: 'internal' });
  }
});

/** The plaintext padded, in memory that held something else before. */
function padded(plaintext: Uint8Array): Buffer {
  const bytes = Buffer.alloc(paddedLength(plaintext.length), 0xff);
  bytes.set(plaintext);
  pad(bytes, plaintext.length);
  return bytes;
}

test('padding fills to a multiple of 16, adds at least one byte, and comes off exactly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (plaintext) => {
      const bytes = padded(plaintext);
      assert.equal(bytes.length % 16, 0);
      assert.ok(bytes.length > plaintext.length && bytes.length <= plaintext.length + 16);
      assert.deepEqual(unpad(bytes), Buffer.from(plaintext));
    }),
  );
  assert.equal(padded(Buffer.alloc(0)).toString('hex'), `80${'00'.repeat(15)}`);
  assert.equal(padded(Buffer.alloc(15, 1)).toString('hex'), `${'01'.repeat(15)}80`);
  assert.equal(padded(Buffer.alloc(16, 1)).length, 32);
});

test('every malformed padding is refused with the one decryption error', () => {
  const malformed = [
    '',
    '80',
    '00'.repeat(16),
    '00'.repeat(32),
    '01'.repeat(16),
    `80${'00'.repeat(14)}01`,
    `81${'00'.repeat(15)}`,
    `${'01'.repeat(15)}80`.slice(0, 30),
    `80${'00'.repeat(16)}`,
    // A whole block of zeros after the mark: `pad` never adds more than 16 bytes.
    `80${'00'.repeat(31)}`,
    `${'01'.repeat(15)}80${'00'.repeat(16)}`,
  ];
  for (const hex of malformed) {
    assert.throws(() => unpad(Buffer.from(hex, 'hex')), { message: 'decryption failed' }, hex);
  }
});

test('any block that unpads is one that pad makes', () => {
  const block = fc.array(fc.constantFrom(0, 0x80, 1), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(block, (bytes) => {
      const found = Buffer.from(bytes);
      let plaintext: Buffer;
      try {
        plaintext = unpad(found);
      } catch {
        return;
      }
      assert.deepEqual(padded(plaintext), found);
    }),
  );
});
