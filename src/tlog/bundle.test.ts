import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entriesTo, refusal } from '../../test/helpers/tlog.ts';
import { decodeBundle, encodeBundle, sliceBundle } from './bundle.ts';

test('a bundle is each entry behind its length, u16 big-endian', () => {
  const entries = ['one', '', 'three'].map((text) => Buffer.from(text));
  const bundle = encodeBundle(entries);
  assert.equal(bundle.toString('hex'), '00036f6e65000000057468726565');
  assert.deepEqual(decodeBundle(bundle, 3), entries);
});

test('entries of every length up to 65,535 bytes come back', () => {
  const entry = fc.oneof(fc.uint8Array(), fc.constant(new Uint8Array(65_535).fill(9)));
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
      const decoded = decodeBundle(encodeBundle(entries), entries.length);
      assert.deepEqual(
        decoded,
        entries.map((one) => Buffer.from(one)),
      );
    }),
    { numRuns: 50 },
  );
});

test('a partial bundle is a prefix of the full one', () => {
  const entries = entriesTo(256);
  const full = encodeBundle(entries);
  for (const width of [1, 2, 255, 256]) {
    assert.deepEqual(sliceBundle(full, width), encodeBundle(entries.slice(0, width)));
  }
  const part = encodeBundle(entries.slice(0, 5));
  assert.throws(() => sliceBundle(part, 6), refusal('bundle_invalid'));
});

test('bytes left over, entries missing or cut short are refused', () => {
  const bundle = encodeBundle(entriesTo(3));
  assert.throws(() => decodeBundle(bundle, 2), refusal('bundle_invalid'));
  assert.throws(() => decodeBundle(bundle, 4), refusal('bundle_invalid'));
  for (let length = 0; length < bundle.length; length += 1) {
    const part = bundle.subarray(0, length);
    assert.throws(() => decodeBundle(part, 3), refusal('bundle_invalid'));
    assert.throws(() => sliceBundle(part, 3), refusal('bundle_invalid'));
  }
  assert.throws(
    () => decodeBundle(Buffer.concat([bundle, Buffer.alloc(1)]), 3),
    refusal('bundle_invalid'),
  );
});

test('no entry, 257 entries or an entry of 65,536 bytes make no bundle', () => {
  assert.throws(() => encodeBundle([]), refusal('number_invalid'));
  assert.throws(() => encodeBundle(entriesTo(257)), refusal('number_invalid'));
  assert.throws(() => encodeBundle([Buffer.alloc(65_536)]), refusal('entry_too_large'));
  assert.throws(() => decodeBundle(Buffer.alloc(0), 0), refusal('number_invalid'));
});
