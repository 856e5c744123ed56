import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Leaf } from '../domain/audit/read-leaf.ts';
import { VaultError } from '../domain/errors.ts';
import { disclose } from './disclosure.ts';
import { isErased, openDisclosure } from './open-disclosure.ts';
import { makePrivateCipher } from './private-cipher.ts';
import { randomBytes } from './random.ts';
import { SecretKey } from './secret.ts';

const ID = 'ad17tOA3GVe2VrdjjpfYYQ';
const cipher = makePrivateCipher({
  vaultId: 3,
  version: 202611,
  key: SecretKey.take(randomBytes(32)),
});
const who = disclose('who', { actor: { sub: 'ada' } }, randomBytes);
const leaf: Leaf = {
  v: 1,
  id: ID,
  t: Date.UTC(2026, 10, 22),
  op: 'detokenize',
  out: 'allow',
  rc: 200,
  n: 1,
  _sd: [who.digest],
};
const seal = (text: string, id = ID) => ({
  vaultId: 3,
  sealed: cipher.seal('who', id, Buffer.from(text, 'ascii')),
});
const keysets = {
  findPrivateCipher: async (vaultId: number) => (vaultId === 3 ? cipher : undefined),
};
const open = (disclosure = seal(who.disclosure), label: 'who' | 'what' = 'who') =>
  openDisclosure(keysets, { leaf, label, disclosure });

test('opens what the leaf vouches for, with the text that was digested', async () => {
  assert.deepEqual(await open(), { text: who.disclosure, value: { actor: { sub: 'ada' } } });
});

test('shows nothing that the leaf does not vouch for, although the key seals it', async () => {
  const forged = disclose('who', { actor: { sub: 'eve' } }, randomBytes);
  assert.equal(await open(seal(forged.disclosure)), undefined);
});

test('shows nothing of another event, of the other label, or altered', async () => {
  assert.equal(await open(seal(who.disclosure, 'bd17tOA3GVe2VrdjjpfYYQ')), undefined);
  assert.equal(await open(seal(who.disclosure), 'what'), undefined);
  const altered = seal(who.disclosure);
  altered.sealed.writeUInt8(altered.sealed.readUInt8(40) ^ 1, 40);
  assert.equal(await open(altered), undefined);
});

test('shows nothing of what is erased or whose key is gone, and does not ask for a key in vain', async () => {
  const erased = { vaultId: 3, sealed: Buffer.alloc(90) };
  const locked = {
    findPrivateCipher: () => Promise.reject(new VaultError('key_unavailable')),
  };
  const ask = { leaf, label: 'who', disclosure: erased } as const;
  assert.equal(await openDisclosure(locked, ask), undefined);
  assert.ok(isErased(erased));
  assert.ok(!isErased(seal(who.disclosure)));
  assert.equal(await open({ ...seal(who.disclosure), vaultId: 4 }), undefined);
});

test('says so when it cannot find out', async () => {
  const locked = {
    findPrivateCipher: () => Promise.reject(new VaultError('key_unavailable')),
  };
  const ask = { leaf, label: 'who', disclosure: seal(who.disclosure) } as const;
  await assert.rejects(openDisclosure(locked, ask), { code: 'key_unavailable' });
});
