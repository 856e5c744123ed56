import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { SecretKey } from './secret.ts';
import { makeVaultCipher } from './vault-cipher.ts';

const bytes = { seal: 1, fingerprint: 2, placement: 3, join: 4 };
const one = (n: number, version = 1) => ({
  active: version,
  readable: new Map([[version, SecretKey.take(Buffer.alloc(32, n))]]),
});

function cipherWith(changed: Partial<typeof bytes> = {}, fingerprintVersion = 1) {
  const { seal, fingerprint, placement, join } = { ...bytes, ...changed };
  return makeVaultCipher({
    vaultId: 7,
    keys: {
      seal: one(seal),
      fingerprint: one(fingerprint, fingerprintVersion),
      placement: one(placement),
      join: one(join),
      fpe: one(5),
      siv: one(6),
      idempotency: one(7),
    },
  });
}

/** The documented input, built by hand: every part behind its length. */
function hmacByHand(keyByte: number, parts: readonly string[]): Buffer {
  const mac = createHmac('sha256', Buffer.alloc(32, keyByte));
  for (const part of parts) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    mac.update(length).update(part);
  }
  return mac.digest();
}

const KNOWN = { fieldId: 3, scope: 'vault', value: 'jöe@example.com' };
const OTHERS = [
  { ...KNOWN, fieldId: 4 },
  { ...KNOWN, scope: 'caller:a' },
  { ...KNOWN, value: 'zoe@example.com' },
  { ...KNOWN, scope: 'vaultj', value: 'öe@example.com' },
];

test('fingerprint and placement follow the documented construction', () => {
  const { digest, version } = cipherWith().fingerprint(KNOWN);
  const parts = ['3', KNOWN.scope, KNOWN.value];
  const expected = hmacByHand(bytes.fingerprint, ['counterfoil/fingerprint/v1', ...parts]);
  assert.deepEqual(digest, expected.subarray(0, 16));
  assert.equal(version, 1);
  const placed = hmacByHand(bytes.placement, ['counterfoil/placement/v1', ...parts]);
  assert.equal(cipherWith().placement(KNOWN), placed[0]);
  const subject = hmacByHand(bytes.join, ['counterfoil/subject/v1', 'person-1']);
  assert.deepEqual(cipherWith().subjectDigest('person-1'), subject);
});

test('a token of ours is logged as itself; anything else, or a long one, as a keyed digest', () => {
  const cipher = cipherWith();
  const token = `eml_${'0'.repeat(26)}`;
  assert.equal(cipher.tokenReference(token), token);
  for (const text of ['4111111111111111', `${token} `, token.toUpperCase(), '']) {
    const digest = hmacByHand(bytes.join, ['counterfoil/token-reference/v1', text]);
    assert.equal(cipher.tokenReference(text), `hmac:${digest.toString('base64url')}`);
  }
  assert.notEqual(cipher.tokenReference('x'), cipherWith({ join: 40 }).tokenReference('x'));
});

test('fingerprints differ when field, scope, value or key differ', () => {
  const inputs = [KNOWN, ...OTHERS].map((known) => cipherWith().fingerprint(known).digest);
  inputs.push(cipherWith({ fingerprint: 20 }).fingerprint(KNOWN).digest);
  assert.equal(new Set(inputs.map((digest) => digest.toString('hex'))).size, inputs.length);
  assert.deepEqual(cipherWith().fingerprint({ ...KNOWN }), cipherWith().fingerprint(KNOWN));
});

test('a fingerprint names the version of its key', () => {
  assert.equal(cipherWith({}, 5).fingerprint(KNOWN).version, 5);
});

test('placement and subject digest survive a new fingerprint key and a new seal key', () => {
  const rotated = cipherWith({ fingerprint: 20, seal: 21 });
  assert.equal(rotated.placement(KNOWN), cipherWith().placement(KNOWN));
  assert.deepEqual(rotated.subjectDigest('person'), cipherWith().subjectDigest('person'));
});

test('placement spreads values over all 256 shards', () => {
  const cipher = cipherWith();
  const shards = new Set(
    Array.from({ length: 5_000 }, (_, i) => cipher.placement({ ...KNOWN, value: String(i) })),
  );
  assert.equal(shards.size, 256);
});
