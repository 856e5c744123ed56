import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SecretBytes, SecretKey } from './secret.ts';
import { makeVaultCipher, type SealBinding, type VaultKeyVersions } from './vault-cipher.ts';

const key = (n: number) => SecretKey.take(Buffer.alloc(32, n));
const versions = (active: number, numbers: Record<number, number>) => ({
  active,
  readable: new Map(Object.entries(numbers).map(([version, n]) => [Number(version), key(n)])),
});
const KEYS: VaultKeyVersions = {
  seal: versions(1, { 1: 1 }),
  fingerprint: versions(1, { 1: 2 }),
  placement: versions(1, { 1: 3 }),
  join: versions(1, { 1: 4 }),
  fpe: versions(1, { 1: 5 }),
  siv: versions(1, { 1: 6 }),
  idempotency: versions(1, { 1: 7 }),
};
const cipher = makeVaultCipher({ vaultId: 7, keys: KEYS });
const BINDING: SealBinding = { fieldId: 3, token: 'tok_0123456789', subjectId: '42' };
const VALUE = 'j.döe@example.com';
const FAILED = {
  name: 'VaultError',
  code: 'internal',
  message: 'decryption failed',
  cause: undefined,
};
const secret = (n: number) => new SecretBytes(Buffer.alloc(32, n));

/** Every binding that differs from `BINDING` in one member. */
const OTHER_BINDINGS: SealBinding[] = [
  { ...BINDING, fieldId: 4 },
  { ...BINDING, fieldId: 33 },
  { ...BINDING, token: 'tok_0123456788' },
  { ...BINDING, token: 'tok_01234567894' },
  { ...BINDING, token: '' },
  { ...BINDING, subjectId: '43' },
  { ...BINDING, subjectId: '' },
  { fieldId: BINDING.fieldId, token: BINDING.token },
];

test('any value opens again, with and without a subject', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  fc.assert(
    fc.property(text, fc.boolean(), (value, forSubject) => {
      const subject = forSubject ? secret(9) : undefined;
      const sealed = cipher.sealValue(value, BINDING, subject);
      assert.equal(cipher.openValue(sealed, BINDING, subject), value);
      assert.equal(cipher.openMetadata(cipher.sealMetadata(value, BINDING), BINDING), value);
    }),
    { numRuns: 100 },
  );
});

test('a value opens under its exact binding only', () => {
  const value = cipher.sealValue(VALUE, BINDING);
  const metadata = cipher.sealMetadata('{}', BINDING);
  assert.equal(cipher.openValue(value, BINDING), VALUE);
  assert.equal(cipher.openMetadata(metadata, BINDING), '{}');
  for (const binding of OTHER_BINDINGS) {
    assert.throws(() => cipher.openValue(value, binding), FAILED);
    assert.throws(() => cipher.openMetadata(metadata, binding), FAILED);
  }
});

test('sealed things of one kind do not open as another kind', () => {
  const digest = cipher.subjectDigest('person');
  const value = cipher.sealValue(VALUE, BINDING);
  const metadata = cipher.sealMetadata(VALUE, BINDING);
  const subject = cipher.sealSubjectSecret(secret(5), digest);
  assert.throws(() => cipher.openMetadata(value, BINDING), FAILED);
  assert.throws(() => cipher.openValue(metadata, BINDING), FAILED);
  assert.throws(() => cipher.openValue(subject, BINDING), FAILED);
  assert.throws(() => cipher.openSubjectSecret(value, digest), FAILED);
});

test('a row of another vault does not open, even under the same keys', () => {
  const other = makeVaultCipher({ vaultId: 8, keys: KEYS });
  const digest = cipher.subjectDigest('person');
  assert.throws(() => other.openValue(cipher.sealValue(VALUE, BINDING), BINDING), FAILED);
  const forSubject = cipher.sealValue(VALUE, BINDING, secret(9));
  assert.throws(() => other.openValue(forSubject, BINDING, secret(9)), FAILED);
  assert.throws(() => other.openMetadata(cipher.sealMetadata('{}', BINDING), BINDING), FAILED);
  const sealed = cipher.sealSubjectSecret(secret(5), digest);
  assert.throws(() => other.openSubjectSecret(sealed, digest), FAILED);
});

test('truncated, extended or altered bytes give the one decryption error', () => {
  for (const subject of [undefined, secret(9)]) {
    const sealed = cipher.sealValue(VALUE, BINDING, subject);
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed);
      altered[at] = altered.readUInt8(at) ^ 0x01;
      assert.throws(() => cipher.openValue(altered, BINDING, subject), FAILED);
      assert.throws(() => cipher.openValue(sealed.subarray(0, at), BINDING, subject), FAILED);
    }
    const longer = Buffer.concat([sealed, sealed]);
    assert.throws(() => cipher.openValue(longer, BINDING, subject), FAILED);
  }
});

test('older key versions stay readable, new work uses the active one, relabelling opens nothing', () => {
  const rotated = makeVaultCipher({
    vaultId: 7,
    keys: { ...KEYS, seal: versions(2, { 1: 1, 2: 11 }) },
  });
  for (const subject of [undefined, secret(9)]) {
    const old = cipher.sealValue(VALUE, BINDING, subject);
    const fresh = rotated.sealValue(VALUE, BINDING, subject);
    assert.equal(old.readUInt32BE(1), 1);
    assert.equal(fresh.readUInt32BE(1), 2);
    assert.equal(rotated.openValue(old, BINDING, subject), VALUE);
    assert.equal(rotated.openValue(fresh, BINDING, subject), VALUE);
    assert.throws(() => cipher.openValue(fresh, BINDING, subject), FAILED);
    old.writeUInt32BE(2, 1);
    fresh.writeUInt32BE(1, 1);
    assert.throws(() => rotated.openValue(old, BINDING, subject), FAILED);
    assert.throws(() => rotated.openValue(fresh, BINDING, subject), FAILED);
  }
});

test('a value sealed for a subject needs exactly the secret of that subject', () => {
  const sealed = cipher.sealValue(VALUE, BINDING, secret(9));
  assert.equal(cipher.openValue(sealed, BINDING, secret(9)), VALUE);
  assert.throws(() => cipher.openValue(sealed, BINDING, secret(8)), FAILED);
  assert.throws(() => cipher.openValue(sealed, BINDING), FAILED);
  const plain = cipher.sealValue(VALUE, BINDING);
  assert.throws(() => cipher.openValue(plain, BINDING, secret(9)), FAILED);
});

test('the secret alone opens nothing: the seal key is needed too', () => {
  const other = makeVaultCipher({ vaultId: 7, keys: { ...KEYS, seal: versions(1, { 1: 4 }) } });
  const sealed = cipher.sealValue(VALUE, BINDING, secret(9));
  assert.throws(() => other.openValue(sealed, BINDING, secret(9)), FAILED);
});

test('a subject secret opens for its own digest only', () => {
  const digest = cipher.subjectDigest('person');
  const fresh = cipher.newSubjectSecret();
  const sealed = cipher.sealSubjectSecret(fresh, digest);
  assert.deepEqual(cipher.openSubjectSecret(sealed, digest).reveal(), fresh.reveal());
  const others = [cipher.subjectDigest('another'), Buffer.alloc(0), digest.subarray(0, 31)];
  for (const other of others) {
    assert.throws(() => cipher.openSubjectSecret(sealed, other), FAILED);
  }
  assert.notDeepEqual(cipher.newSubjectSecret().reveal(), fresh.reveal());
  assert.equal(fresh.reveal().length, 32);
});

test('values whose lengths differ within a block of 16 bytes seal to the same size', () => {
  const sizeOf = (length: number) => cipher.sealValue('x'.repeat(length), BINDING).length;
  for (const start of [0, 16, 32]) {
    const sizes = new Set(Array.from({ length: 16 }, (_, i) => sizeOf(start + i)));
    assert.equal(sizes.size, 1);
  }
  assert.equal(sizeOf(16), sizeOf(15) + 16);
});

test('a value that UTF-8 cannot carry is refused, not changed', () => {
  assert.throws(() => cipher.sealValue('a\ud800', BINDING), { code: 'internal' });
});

test('the cipher is not built without its active keys', () => {
  for (const purpose of ['seal', 'fingerprint', 'placement', 'join'] as const) {
    const keys = { ...KEYS, [purpose]: versions(2, { 1: 1 }) };
    assert.throws(() => makeVaultCipher({ vaultId: 7, keys }), { code: 'internal' });
  }
});
