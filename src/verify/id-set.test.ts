import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomBytes } from '../crypto/random.ts';
import { makeIdSet } from './id-set.ts';

const idOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

test('an id is new once, also after the set has grown many times', () => {
  const ids = Array.from({ length: 50_000 }, () => idOf(randomBytes(16)));
  const set = makeIdSet();
  assert.ok(ids.every((id) => set.add(id)));
  assert.ok(ids.every((id) => !set.add(id)));
});

test('it is a set, whatever the ids: few values meet in the same places', () => {
  // The first eight bytes count; all zeroes and a last one are the same, by design.
  const id = fc
    .array(fc.constantFrom(0, 1, 255), { minLength: 8, maxLength: 8 })
    .map((bytes) => idOf(Uint8Array.from([1, ...bytes.slice(1), ...new Uint8Array(8)])));
  fc.assert(
    fc.property(fc.array(id, { maxLength: 300 }), (ids) => {
      const set = makeIdSet();
      const known = new Set<string>();
      for (const each of ids) {
        assert.equal(set.add(each), !known.has(each));
        known.add(each);
      }
    }),
  );
});

test('the id of zeroes is an id', () => {
  const set = makeIdSet();
  assert.ok(set.add('A'.repeat(22)));
  assert.ok(!set.add('A'.repeat(22)));
});
