import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { decodeLeaves, decodeSealed, encodeLeaves, encodeSealed } from './framing.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

it('gives back the leaves that went in', () => {
  fc.assert(
    fc.property(fc.array(bytes), (leaves) => {
      assert.deepEqual(decodeLeaves(encodeLeaves(leaves), leaves.length), leaves);
    }),
  );
});

it('gives back the disclosures that went in, with their vaults', () => {
  const disclosure = fc.record({ vaultId: fc.nat(), sealed: bytes }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(disclosure), (disclosures) => {
      assert.deepEqual(decodeSealed(encodeSealed(disclosures), disclosures.length), disclosures);
    }),
  );
});

it('writes leaves as an entry bundle: two bytes of length, then the leaf', () => {
  const encoded = encodeLeaves([Buffer.from('ab'), Buffer.from('')]);
  assert.equal(encoded.toString('hex'), '000261620000');
});

it('refuses bytes that are not exactly the counted leaves', () => {
  const encoded = encodeLeaves([Buffer.from('ab'), Buffer.from('c')]);
  for (const [wrong, count] of [
    [encoded.subarray(0, -1), 2],
    [Buffer.concat([encoded, Buffer.from([0])]), 2],
    [encoded, 1],
    [encoded, 3],
    [Buffer.from([0]), 1],
  ] as const) {
    assert.throws(() => decodeLeaves(wrong, count), /malformed/);
  }
  assert.throws(() => decodeSealed(Buffer.alloc(7), 1), /malformed/);
});
