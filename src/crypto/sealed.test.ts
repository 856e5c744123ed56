import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, seal } from './sealed.ts';
import { SecretKey } from './secret.ts';
import { makeXaesKey } from './xaes.ts';

const keys = new Map([1, 2].map((n) => [n, makeXaesKey(SecretKey.take(Buffer.alloc(32, n)))]));
const keyOf = (version: number) => keys.get(version);
const aad = Buffer.from('row');
const plaintext = Buffer.from('4111 1111 1111 1111');
const FAILED = {
  name: 'VaultError',
  code: 'internal',
  message: 'decryption failed',
  cause: undefined,
};

function sealWith(version: number, bytes: Uint8Array = plaintext): Buffer {
  const key = keys.get(version);
  assert.ok(key);
  return seal({ version, key, plaintext: bytes, aad });
}

test('sealed bytes have the documented layout and open again', () => {
  const sealed = sealWith(2);
  assert.equal(sealed.length, 1 + 4 + 24 + 32 + 16);
  assert.equal(sealed.subarray(0, 5).toString('hex'), '0100000002');
  assert.deepEqual(open({ sealed, keyOf, aad }), plaintext);
  assert.equal(open({ sealed: sealWith(1, Buffer.alloc(0)), keyOf, aad }).length, 0);
});

test('the same plaintext never seals to the same bytes', () => {
  const seen = new Set(Array.from({ length: 500 }, () => sealWith(1).toString('hex', 5, 29)));
  assert.equal(seen.size, 500);
});

test('text is sealed as its UTF-8, of whatever length; lone surrogates are refused', () => {
  for (const text of ['', 'Ada', 'é'.repeat(4_095), '😀'.repeat(5_000)]) {
    const key = keys.get(1);
    assert.ok(key);
    const sealed = seal({ version: 1, key, plaintext: text, aad });
    assert.equal(open({ sealed, keyOf, aad }).toString(), text);
    assert.throws(() => seal({ version: 1, key, plaintext: `${text}\ud800`, aad }), {
      code: 'internal',
    });
  }
});

test('every flipped bit gives the one decryption error', () => {
  const sealed = sealWith(1);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const altered = Buffer.from(sealed);
    altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
    assert.throws(() => open({ sealed: altered, keyOf, aad }), FAILED);
  }
});

test('every truncation and every extension gives the one decryption error', () => {
  const sealed = sealWith(1);
  for (let length = 0; length < sealed.length; length += 1) {
    assert.throws(() => open({ sealed: sealed.subarray(0, length), keyOf, aad }), FAILED);
  }
  const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
  assert.throws(() => open({ sealed: longer, keyOf, aad }), FAILED);
});

test('a relabelled or unknown key version and other associated data give the same error', () => {
  for (const version of [0, 2, 3, 0xffffffff]) {
    const relabelled = sealWith(1);
    relabelled.writeUInt32BE(version, 1);
    assert.throws(() => open({ sealed: relabelled, keyOf, aad }), FAILED);
  }
  assert.throws(() => open({ sealed: sealWith(1), keyOf, aad: Buffer.from('other') }), FAILED);
});

test('wiping what open returns leaves no copy behind it in its memory', () => {
  const opened = open({ sealed: sealWith(1), keyOf, aad });
  opened.fill(0);
  assert.ok(!Buffer.from(opened.buffer).includes('4111'));
});
