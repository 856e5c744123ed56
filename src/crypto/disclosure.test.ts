import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disclose, disclosureDigest } from './disclosure.ts';
import { randomBytes } from './random.ts';

test('the digest of the disclosure published in RFC 9901 is the published one', () => {
  const disclosure = 'WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0';
  assert.equal(disclosureDigest(disclosure), 'uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY');
});

test('a disclosure is base64url of salt, name and value, and its digest is over that text', () => {
  const salts: number[] = [];
  const random = (length: number) => {
    salts.push(length);
    return Buffer.alloc(length, 0xab);
  };
  const value = { subject: 'müller', mfa: true };
  const { disclosure, digest } = disclose('actor', value, random);
  const salt = Buffer.alloc(16, 0xab).toString('base64url');
  assert.deepEqual(JSON.parse(Buffer.from(disclosure, 'base64url').toString()), [
    salt,
    'actor',
    value,
  ]);
  assert.match(disclosure, /^[A-Za-z0-9_-]+$/);
  assert.equal(digest, disclosureDigest(disclosure));
  assert.deepEqual(salts, [16]);
});

test('the same value never has the same digest twice', () => {
  const digests = Array.from({ length: 100 }, () => disclose('a', 'b', randomBytes).digest);
  assert.equal(new Set(digests).size, 100);
});

test('an absent value is refused', () => {
  assert.throws(() => disclose('actor', undefined, randomBytes), { code: 'internal' });
});
