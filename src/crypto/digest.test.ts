import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { constantTimeEqual, hkdfSha256, hmacSha256, sha256, sha256Hex } from './digest.ts';
import { makeHmac } from './hmac.ts';
import { SecretKey } from './secret.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('sha256 gives the published digests, over any split of the input', () => {
  assert.equal(sha256Hex(), EMPTY);
  assert.equal(sha256Hex('abc'), ABC);
  assert.equal(sha256('a', Buffer.from('bc')).toString('hex'), ABC);
});

test('hmacSha256 gives the bytes of the published digest (Wycheproof, tcId 2)', () => {
  const key = SecretKey.take(
    hex('8159fd15133cd964c9a6964c94f0ea269a806fd9f43f0da58b6cd1b33d189b2a'),
  );
  const tag = 'dfc5105d5eecf7ae7b8b8de3930e7659e84c4172f2555142f1e568fc1872ad93';
  assert.equal(hmacSha256(key, hex('77')).toString('hex'), tag);
  assert.notEqual(hmacSha256(key, hex('78')).toString('hex'), tag);
});

test('hkdf follows RFC 5869: extract with the salt, expand with the info', () => {
  const ikm = () => SecretKey.take(Buffer.alloc(32, 1));
  const salt = Buffer.from('salt');
  const info = Buffer.from('info');
  // The two steps by hand (RFC 5869 §2.2, §2.3); one block suffices for 32 bytes.
  const extract = makeHmac({ key: createSecretKey(salt) }).digest;
  const prk = Buffer.from(extract(ikm().keyObject().export()), 'latin1');
  const expected = hmacSha256(SecretKey.take(prk), Buffer.concat([info, Buffer.from([1])]));
  const derived = hkdfSha256({ key: ikm(), salt, info });
  assert.deepEqual(derived.keyObject().export(), expected);
  const unsalted = hkdfSha256({ key: ikm(), info });
  assert.notDeepEqual(unsalted.keyObject().export(), expected);
});

test('constantTimeEqual says whether two texts or byte strings are equal, of any lengths', () => {
  assert.ok(constantTimeEqual('secret', 'secret'));
  assert.ok(constantTimeEqual('secret', Buffer.from('secret')));
  for (const other of ['secreT', 'secre', 'secrets', '']) {
    assert.ok(!constantTimeEqual('secret', other));
  }
});
