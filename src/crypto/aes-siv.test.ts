import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { aessiv } from '@noble/ciphers/aes.js';
import { aesSivOpen, aesSivSeal } from './aes-siv.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

// RFC 5297, appendix A.1 (AES-128 in both halves).
const A1 = {
  key: hex('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
  aad: hex('101112131415161718191a1b1c1d1e1f2021222324252627'),
  plaintext: hex('112233445566778899aabbccddee'),
};
const A1_SEALED = '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c';

test('RFC 5297 A.1 seals and opens as published', () => {
  assert.equal(aesSivSeal(A1).toString('hex'), A1_SEALED);
  assert.deepEqual(aesSivOpen({ ...A1, sealed: hex(A1_SEALED) }), A1.plaintext);
});

test('the library agrees with RFC 5297 A.2: two strings of associated data and a nonce', () => {
  const cipher = aessiv(
    hex('7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f'),
    hex('00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100'),
    hex('102030405060708090a0'),
    hex('09f911029d74e35bd84156c5635688c0'),
  );
  const plaintext = Buffer.from('this is some plaintext to encrypt using SIV-AES');
  assert.equal(
    Buffer.from(cipher.encrypt(plaintext)).toString('hex'),
    '7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17' +
      'dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d',
  );
});

type SivTest = { tcId: number; key: string; aad: string; msg: string; ct: string; result: string };

function agrees(one: SivTest): boolean {
  const [key, aad, plaintext, sealed] = [hex(one.key), hex(one.aad), hex(one.msg), hex(one.ct)];
  const opened = aesSivOpen({ key, aad, sealed });
  return one.result === 'valid'
    ? aesSivSeal({ key, aad, plaintext }).equals(sealed) && opened?.equals(plaintext) === true
    : opened === undefined;
}

// biome-ignore lint/style/noProcessEnv: only a test asks where the larger published vectors lie.
const folder = process.env['COUNTERFOIL_TEST_VECTORS'];
test('agrees with all 442 Wycheproof cases', {
  skip: folder === undefined && 'COUNTERFOIL_TEST_VECTORS is not set',
}, () => {
  const path = join(folder ?? '', 'wycheproof-aes_siv_cmac_test.json');
  const file: { testGroups: { tests: SivTest[] }[] } = JSON.parse(readFileSync(path, 'utf8'));
  const cases = file.testGroups.flatMap((group) => group.tests);
  assert.equal(cases.length, 442);
  assert.ok(cases.some((one) => one.result === 'invalid'));
  assert.deepEqual(
    cases.filter((one) => !agrees(one)).map((one) => one.tcId),
    [],
  );
});

test('every flipped bit of sealed bytes, key or associated data is refused', () => {
  const message = { key: A1.key, aad: A1.aad, sealed: hex(A1_SEALED) };
  for (const part of ['key', 'aad', 'sealed'] as const) {
    for (let bit = 0; bit < message[part].length * 8; bit += 1) {
      const altered = Buffer.from(message[part]);
      altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
      assert.equal(aesSivOpen({ ...message, [part]: altered }), undefined);
    }
  }
});

test('bytes shorter than a tag are refused', () => {
  for (const length of [0, 1, 15]) {
    assert.equal(aesSivOpen({ ...A1, sealed: Buffer.alloc(length) }), undefined);
  }
});
