import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { importVerificationKey } from './verification-key.ts';

type Jwk = Record<string, unknown>;
const jwkOf = (key: KeyObject): Jwk => ({ ...key.export({ format: 'jwk' }), kid: 'key-1' });
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync('ec', { namedCurve }).publicKey);

const ED = generateKeyPairSync('ed25519');
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = rsa(2048);
const ACCEPTED = [
  { algorithm: 'EdDSA', pair: ED },
  { algorithm: 'ES256', pair: P256 },
  { algorithm: 'RS256', pair: RSA },
] as const;

for (const { algorithm, pair } of ACCEPTED) {
  test(`a public ${algorithm} key is imported as itself, for this algorithm alone`, () => {
    const jwk = jwkOf(pair.publicKey);
    const imported = importVerificationKey(jwk);
    assert.equal(imported?.kid, 'key-1');
    assert.equal(imported?.algorithm, algorithm);
    assert.ok(createPublicKey(imported?.spkiPem ?? '').equals(pair.publicKey));
    const good = [
      { alg: algorithm },
      { use: 'sig' },
      { key_ops: ['verify'] },
      { x5c: ['ignored'] },
    ];
    for (const extra of good) {
      assert.deepEqual(importVerificationKey({ ...jwk, ...extra }), imported);
    }
  });

  test(`a ${algorithm} key for something else is refused`, () => {
    const jwk = jwkOf(pair.publicKey);
    const bad: Jwk[] = [
      { use: 'enc' },
      { use: ['sig'] },
      { key_ops: ['sign'] },
      { key_ops: 'verify' },
      { key_ops: [] },
      { alg: 'none' },
      { alg: 'HS256' },
      { alg: 'PS256' },
      { alg: algorithm.toLowerCase() },
      { alg: null },
      { kid: undefined },
      { kid: '' },
      { kid: 7 },
      { kid: 'k'.repeat(257) },
      { kty: 'oct', k: 'c2VjcmV0' },
      { kty: 'oct' },
    ];
    for (const extra of bad) {
      assert.equal(importVerificationKey({ ...jwk, ...extra }), undefined, JSON.stringify(extra));
    }
  });

  test(`a private ${algorithm} key, or any part of one, is refused`, () => {
    assert.equal(importVerificationKey(jwkOf(pair.privateKey)), undefined);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
      const jwk = { ...jwkOf(pair.publicKey), [member]: 'AQAB' };
      assert.equal(importVerificationKey(jwk), undefined, member);
    }
  });
}

test('weak or exotic keys are refused', () => {
  assert.equal(importVerificationKey(jwkOf(rsa(1024).publicKey)), undefined);
  assert.equal(importVerificationKey(jwkOf(rsa(2048, 3).publicKey)), undefined);
  const good = jwkOf(RSA.publicKey);
  // 65538, even; 1; 65535.
  for (const e of ['AQAC', 'AQ', '__8']) {
    assert.equal(importVerificationKey({ ...good, e }), undefined, e);
  }
  assert.equal(importVerificationKey(ec('P-384')), undefined);
  assert.equal(importVerificationKey(ec('secp256k1')), undefined);
  assert.equal(importVerificationKey(jwkOf(generateKeyPairSync('ed448').publicKey)), undefined);
  assert.equal(importVerificationKey(jwkOf(generateKeyPairSync('x25519').publicKey)), undefined);
});

test('points off the curve and keys of a wrong length are refused', () => {
  const point = jwkOf(P256.publicKey);
  assert.equal(importVerificationKey({ ...point, y: point['x'] }), undefined);
  assert.equal(importVerificationKey({ ...point, x: 'AA', y: 'AA' }), undefined);
  assert.equal(importVerificationKey({ ...jwkOf(ED.publicKey), x: 'AAAA' }), undefined);
});

test('what is not a JWK is refused', () => {
  for (const jwk of [
    undefined,
    null,
    7,
    'key',
    [],
    {},
    { kty: 'EC' },
    { kty: '__proto__', kid: 'a' },
  ]) {
    assert.equal(importVerificationKey(jwk), undefined);
  }
});
