import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hmacSha256 } from './digest.ts';
import { frame } from './framing.ts';
import { SecretKey } from './secret.ts';
import { makeVaultDigests } from './vault-digests.ts';

const key = () => SecretKey.take(Buffer.alloc(32, 4));
const digests = makeVaultDigests(key());
const CALL = { issuer: 'i', subject: 's', route: 'tokenize', key: 'k' };
const HOLDER = { issuer: 'i', subject: 's', grant: 'g' };
const byHand = (...parts: string[]) => hmacSha256(key(), frame(parts));

test('every digest is the documented one', () => {
  const cut = (...parts: string[]) => byHand(...parts).subarray(0, 16);
  assert.equal(digests.join('v'), cut('counterfoil/join/v1', 'v').toString('base64url'));
  assert.deepEqual(digests.tombstone('t'), cut('counterfoil/tombstone/v1', 't'));
  assert.equal(digests.space(3, '41'), byHand('counterfoil/space/v1', '3', '41').readInt16BE(0));
  assert.deepEqual(digests.tag('n', '"v"'), cut('counterfoil/tag/v1', 'n', '"v"'));
  assert.deepEqual(
    digests.idempotencyKey(CALL),
    byHand('counterfoil/idempotency-key/v1', 'i', 's', 'tokenize', 'k'),
  );
  assert.deepEqual(digests.idempotencyBody('{}'), byHand('counterfoil/idempotency-body/v1', '{}'));
  assert.deepEqual(digests.budgetHolder(HOLDER), cut('counterfoil/budget/v1', 'i', 's', 'g'));
});

/** Every digest of the same text, as far as it goes: 16 bytes of each. */
function all(from = digests, text = 'x'): string[] {
  const place = { issuer: text, subject: text, route: text, key: text, grant: text };
  return [
    Buffer.from(from.join(text), 'base64url'),
    from.tombstone(text),
    from.tag(text, text),
    from.idempotencyKey(place),
    from.idempotencyBody(text),
    from.budgetHolder(place),
  ].map((digest) => digest.subarray(0, 16).toString('hex'));
}

test('digests under different labels are never equal, of whatever they are', () => {
  for (const text of ['', 'x', '4111111111111111']) {
    assert.equal(new Set(all(digests, text)).size, 6);
  }
});

test('digests of two vaults have nothing in common', () => {
  const other = makeVaultDigests(SecretKey.take(Buffer.alloc(32, 5)));
  assert.equal(new Set([...all(), ...all(other)]).size, 12);
});

test('a digest has the documented length, and a space lies within 16 bits', () => {
  assert.match(digests.join('x'), /^[\w-]{22}$/);
  const lengths = [digests.tombstone('x'), digests.tag('x', 'y'), digests.budgetHolder(HOLDER)];
  assert.deepEqual(
    lengths.map(({ length }) => length),
    [16, 16, 16],
  );
  assert.equal(digests.idempotencyKey(CALL).length, 32);
  assert.equal(digests.idempotencyBody('').length, 32);
  const spaces = Array.from({ length: 2_000 }, (_, n) => digests.space(1, String(n)));
  assert.ok(spaces.every((space) => space >= -32_768 && space <= 32_767));
  assert.ok(Math.min(...spaces) < 0 && Math.max(...spaces) > 0);
});

test('a character that moves to the neighbouring part makes another digest', () => {
  assert.notDeepEqual(digests.tag('ab', 'c'), digests.tag('a', 'bc'));
  assert.notDeepEqual(
    digests.idempotencyKey({ ...CALL, issuer: 'is', subject: '' }),
    digests.idempotencyKey(CALL),
  );
  assert.notDeepEqual(
    digests.budgetHolder({ ...HOLDER, subject: 'sg', grant: '' }),
    digests.budgetHolder(HOLDER),
  );
  const differing = [CALL, ...Object.keys(CALL).map((member) => ({ ...CALL, [member]: 'other' }))];
  const keys = differing.map((call) => digests.idempotencyKey(call).toString('hex'));
  assert.equal(new Set(keys).size, 5);
});
