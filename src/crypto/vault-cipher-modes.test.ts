import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretKey } from './secret.ts';
import { makeVaultCipher, type VaultKeyVersions } from './vault-cipher.ts';

const one = (byte: number) => ({
  active: 1,
  readable: new Map([[1, SecretKey.take(Buffer.alloc(32, byte))]]),
});
const KEYS: VaultKeyVersions = {
  seal: one(1),
  fingerprint: one(2),
  placement: one(3),
  join: one(4),
  fpe: one(5),
  siv: one(6),
  idempotency: one(7),
};
const cipher = makeVaultCipher({ vaultId: 7, keys: KEYS });
const neighbour = makeVaultCipher({ vaultId: 8, keys: KEYS });
const FAILED = { code: 'internal', message: 'decryption failed', cause: undefined };
const VOLATILE = { fieldId: 3, token: 'cvv_1', createdAtMs: 1_000, expiresAtMs: 61_000 };

test('a volatile value opens under its exact binding only: no life can be written beside it', () => {
  const sealed = cipher.sealVolatile('123', VOLATILE);
  assert.equal(cipher.openVolatile(sealed, VOLATILE), '123');
  for (const change of [
    { fieldId: 4 },
    { token: 'cvv_2' },
    { createdAtMs: 1_001 },
    { expiresAtMs: 61_001 },
    { expiresAtMs: 60_999 },
    { createdAtMs: 61_000, expiresAtMs: 1_000 },
  ]) {
    assert.throws(() => cipher.openVolatile(sealed, { ...VOLATILE, ...change }), FAILED);
  }
  assert.throws(() => neighbour.openVolatile(sealed, VOLATILE), FAILED);
  assert.throws(() => cipher.openValue(sealed, { fieldId: 3, token: 'cvv_1' }), FAILED);
});

test('a stored answer opens for its own call only', () => {
  const call = { issuer: 'i', subject: 's', route: 'tokenize', key: 'k' };
  const { digests } = cipher;
  const mine = { key: digests.idempotencyKey(call), body: digests.idempotencyBody('{}') };
  const sealed = cipher.sealAnswer('{"token":"tok_1"}', mine);
  assert.equal(cipher.openAnswer(sealed, mine), '{"token":"tok_1"}');
  const others = [
    { ...mine, key: digests.idempotencyKey({ ...call, subject: 't' }) },
    { ...mine, body: digests.idempotencyBody('[]') },
  ];
  for (const other of others) assert.throws(() => cipher.openAnswer(sealed, other), FAILED);
  assert.throws(() => neighbour.openAnswer(sealed, mine), FAILED);
  const rekeyed = makeVaultCipher({ vaultId: 7, keys: { ...KEYS, idempotency: one(8) } });
  assert.throws(() => rekeyed.openAnswer(sealed, mine), FAILED);
});

test('FF1 and SIV go there and back through the cipher, each under its own key', async () => {
  const place = { fieldId: 3, scope: 'vault' };
  const numerals = { radix: 10, digits: [4, 1, 1, 1, 1, 1, 1, 1], kept: '1111' };
  const digits = await cipher.vaultless.ff1Encrypt(numerals, place);
  assert.notDeepEqual(digits, numerals.digits);
  const back = await cipher.vaultless.ff1Decrypt({ ...numerals, digits }, place);
  assert.deepEqual(back, numerals.digits);
  const note = { ...place, prefix: 'note' };
  const token = cipher.vaultless.sivSeal('text', note);
  assert.equal(cipher.vaultless.sivOpen(token, note), 'text');

  assert.notDeepEqual(await neighbour.vaultless.ff1Encrypt(numerals, place), digits);
  assert.equal(neighbour.vaultless.sivOpen(token, note), undefined);
  const { vaultless } = makeVaultCipher({ vaultId: 7, keys: { ...KEYS, fpe: one(8) } });
  assert.notDeepEqual(await vaultless.ff1Encrypt(numerals, place), digits);
  assert.equal(vaultless.sivSeal('text', note), token);
});

test('a cursor continues the search that it was made for, and no other', () => {
  const place = {
    createdAt: new Date('2026-01-15T12:00:00.123Z'),
    token: `a'"é${'x'.repeat(250)}`,
  };
  const cursor = cipher.searchCursors.seal('query', place);
  assert.match(cursor, /^[\w-]+$/);
  assert.deepEqual(cipher.searchCursors.open('query', cursor), place);
  const refused = {
    code: 'invalid_request',
    problems: [{ path: '/cursor', rule: 'not_a_cursor_of_this_search' }],
  };
  assert.throws(() => cipher.searchCursors.open('query2', cursor), refused);
  assert.throws(() => neighbour.searchCursors.open('query', cursor), refused);
  const bytes = Buffer.from(cursor, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const altered = Buffer.from(bytes);
    altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
    const text = altered.toString('base64url');
    assert.throws(() => cipher.searchCursors.open('query', text), refused);
  }
  for (const text of [
    '',
    'A',
    `${cursor}=`,
    ` ${cursor}`,
    cursor.slice(0, -2),
    'é',
    'A'.repeat(5_000),
  ]) {
    assert.throws(() => cipher.searchCursors.open('query', text), refused);
  }
});

test('a cursor tells neither the token nor the time that it names', () => {
  const place = { createdAt: new Date(0), token: 'tok_0123456789' };
  const sealed = Buffer.from(cipher.searchCursors.seal('query', place), 'base64url');
  assert.ok(!sealed.includes('tok_'));
  assert.notEqual(
    cipher.searchCursors.seal('query', place),
    cipher.searchCursors.seal('query', place),
  );
});
