import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { aessiv } from '@noble/ciphers/aes.js';
import fc from 'fast-check';
import { frame } from './framing.ts';
import { SecretKey } from './secret.ts';
import { makeSiv, type SivPlace } from './siv.ts';

const keysOf = (active: number, bytes: Record<number, number>) => ({
  active,
  readable: new Map(
    Object.entries(bytes).map(([version, byte]) => [
      Number(version),
      SecretKey.take(Buffer.alloc(32, byte)),
    ]),
  ),
});
const siv = makeSiv({ vaultId: 7, keys: keysOf(1, { 1: 5 }) });
const PLACE: SivPlace = { fieldId: 3, scope: 'vault', prefix: 'note' };
const VALUE = 'a note, jöe’s 📝';

test('any text opens again, of any length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (value) => {
      const token = siv.seal(value, PLACE);
      assert.match(token, /^note~1\.[\w-]{22,}$/);
      assert.equal(siv.open(token, PLACE), value);
    }),
    { numRuns: 100 },
  );
  const long = 'é'.repeat(16_384);
  assert.equal(siv.open(siv.seal(long, PLACE), PLACE), long);
});

test('a token is the documented construction', () => {
  const salt = new Uint8Array(0);
  const info = frame(['counterfoil/siv-key/v1']);
  const key = new Uint8Array(hkdfSync('sha256', Buffer.alloc(32, 5), salt, info, 64));
  const aad = frame(['counterfoil/siv/v1', '7', '3', 'vault', 'note', '1']);
  const sealed = aessiv(key, aad).encrypt(Buffer.from(VALUE));
  const expected = `note~1.${Buffer.from(sealed).toString('base64url')}`;
  assert.equal(siv.seal(VALUE, PLACE), expected);
});

test('the same value has the same token, and another one wherever the place or the key differs', () => {
  assert.equal(siv.seal(VALUE, PLACE), siv.seal(VALUE, PLACE));
  const bodies = [
    siv.seal(VALUE, PLACE),
    siv.seal(VALUE, { ...PLACE, fieldId: 4 }),
    siv.seal(VALUE, { ...PLACE, scope: 'caller:a' }),
    siv.seal(VALUE, { ...PLACE, prefix: 'memo' }),
    makeSiv({ vaultId: 8, keys: keysOf(1, { 1: 5 }) }).seal(VALUE, PLACE),
    makeSiv({ vaultId: 7, keys: keysOf(2, { 2: 5 }) }).seal(VALUE, PLACE),
    makeSiv({ vaultId: 7, keys: keysOf(1, { 1: 6 }) }).seal(VALUE, PLACE),
  ].map((token) => token.split('.')[1]);
  assert.equal(new Set(bodies).size, bodies.length);
});

test('a token that is moved to another field, scope, vault, version or prefix does not open', () => {
  const token = siv.seal(VALUE, PLACE);
  const both = keysOf(2, { 1: 5, 2: 5 });
  const relabelled = token.replace('~1.', '~2.');
  const renamed = token.replace('note~', 'memo~');
  assert.equal(siv.open(token, { ...PLACE, fieldId: 4 }), undefined);
  assert.equal(siv.open(token, { ...PLACE, scope: 'caller:a' }), undefined);
  assert.equal(siv.open(token, { ...PLACE, prefix: 'memo' }), undefined);
  assert.equal(siv.open(renamed, { ...PLACE, prefix: 'memo' }), undefined);
  assert.equal(siv.open(renamed, PLACE), undefined);
  assert.equal(makeSiv({ vaultId: 8, keys: both }).open(token, PLACE), undefined);
  assert.equal(makeSiv({ vaultId: 7, keys: both }).open(relabelled, PLACE), undefined);
  assert.equal(makeSiv({ vaultId: 7, keys: both }).open(token, PLACE), VALUE);
  assert.equal(siv.open(relabelled, PLACE), undefined);
});

test('tokens of an older key version open, and new ones name the active version', () => {
  const rotated = makeSiv({ vaultId: 7, keys: keysOf(12, { 1: 5, 12: 6 }) });
  assert.equal(rotated.open(siv.seal(VALUE, PLACE), PLACE), VALUE);
  assert.match(rotated.seal(VALUE, PLACE), /^note~12\./);
});

test('a token with any bit of its bytes flipped does not open', () => {
  const [, text = ''] = siv.seal(VALUE, PLACE).split('.');
  const sealed = Buffer.from(text, 'base64url');
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const altered = Buffer.from(sealed);
    altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
    assert.equal(siv.open(`note~1.${altered.toString('base64url')}`, PLACE), undefined);
  }
});

test('a token has one spelling', () => {
  // 20 sealed bytes: 27 characters, the last of which has two spare bits.
  const token = siv.seal('four', PLACE);
  const last = token.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spare = alphabet[alphabet.indexOf(last) + 1] ?? '';
  assert.deepEqual(
    Buffer.from(`${token.slice(7, -1)}${spare}`, 'base64url'),
    Buffer.from(token.slice(7), 'base64url'),
  );
  const others = [
    `${token.slice(0, -1)}${spare}`,
    `${token}=`,
    `${token} `,
    ` ${token}`,
    `${token}\n`,
    `${token}A`,
    `${token}.`,
    token.replace('note~', 'NOTE~'),
    token.replace('~1.', '~01.'),
    token.replace('~1.', '~+1.'),
    token.replace('~1.', '~1.0.'),
    token.replace('~1.', '~1e0.'),
    token.replace('~1.', '~0x1.'),
    token.replace('~1.', '~١.'),
    token.replace('~1.', '~.'),
    token.replace('~1.', '~99999999999999999999.'),
    `${token.slice(0, 9)}\n${token.slice(9)}`,
    `${token.slice(0, 9)}+/${token.slice(9)}`,
  ];
  for (const text of others) {
    assert.notEqual(text, token);
    assert.equal(siv.open(text, PLACE), undefined, JSON.stringify(text));
  }
});

test('texts that are no tokens do not open, and nothing is thrown', () => {
  for (const text of [
    '',
    'note',
    'note~',
    'note~1',
    'note~1.',
    'note~1.AAAA',
    'note~2.AAAA',
    '~1.A',
  ]) {
    assert.equal(siv.open(text, PLACE), undefined, text);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      assert.equal(siv.open(`note~1.${text}`, PLACE), undefined);
      assert.equal(siv.open(text, PLACE), undefined);
    }),
  );
});
