import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { makeCacheSeal } from './cache-seal.ts';
import { SecretKey } from './secret.ts';

const newSeal = () => makeCacheSeal(SecretKey.take(randomBytes(32)));

it('opens what it sealed, at its name and nowhere else', () => {
  const seal = newSeal();
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: 'grapheme-ascii' }), (bytes, name) => {
      const content = Buffer.from(bytes);
      const entry = seal.seal(name, content);
      assert.deepEqual(seal.open(name, entry), content);
      assert.equal(seal.open(`${name}.`, entry), undefined);
      assert.equal(newSeal().open(name, entry), undefined);
    }),
    { numRuns: 50 },
  );
});

it('opens nothing that was altered by a bit, cut or lengthened', () => {
  const seal = newSeal();
  const entry = seal.seal('name', Buffer.from('content'));
  for (let bit = 0; bit < entry.length * 8; bit += 1) {
    const altered = Buffer.from(entry);
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(seal.open('name', altered), undefined);
  }
  for (let length = 0; length < entry.length; length += 1) {
    assert.equal(seal.open('name', entry.subarray(0, length)), undefined);
  }
  assert.equal(seal.open('name', Buffer.concat([entry, Buffer.of(0)])), undefined);
});

it('gives names that depend on every part and on the key, and show none', () => {
  const seal = newSeal();
  const name = seal.nameOf(['token', 1, 'tok_1']);
  assert.match(name, /^[\w-]{22}$/);
  const others = [
    seal.nameOf(['token', 1, 'tok_2']),
    seal.nameOf(['token', 11, 'tok_1']),
    seal.nameOf(['value', 1, 'tok_1']),
    newSeal().nameOf(['token', 1, 'tok_1']),
  ];
  assert.ok(!others.includes(name));
  assert.equal(seal.nameOf(['token', 1, 'tok_1']), name);
});
