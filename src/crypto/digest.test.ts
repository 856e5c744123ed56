import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { constantTimeEqual, hkdfSha256, hmacSha256, sha256, sha256Hex } from './digest.ts';
import { SecretKey } from './secret.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('sha256 gives the published digests, over any split of the input', () => {
  assert.equal(sha256Hex(), EMPTY);
  assert.equal(sha256Hex('abc'), ABC);
  assert.equal(sha256('a', Buffer.from('bc')).toString('hex'), ABC);
});

type HmacTest = { tcId: number; key: string; msg: string; tag: string; result: string };

/** Whether our HMAC, cut to the tag's length, agrees with what Wycheproof says of the tag. */
function agrees({ key, msg, tag, result }: HmacTest): boolean {
  const mac = hmacSha256({ keyObject: () => createSecretKey(hex(key)) }, hex(msg));
  const matches = mac.subarray(0, tag.length / 2).equals(hex(tag));
  return matches === (result === 'valid');
}

test('HMAC agrees with RFC 4231 and Wycheproof cases typed in here', () => {
  const cases: HmacTest[] = [
    {
      tcId: 1,
      key: '1e225cafb90339bba1b24076d4206c3e79c355805d851682bc818baa4f5a7779',
      msg: '',
      tag: 'b175b57d89ea6cb606fb3363f2538abd73a4c00b4a1386905bac809004cf1933',
      result: 'valid',
    },
    {
      tcId: 2,
      key: '8159fd15133cd964c9a6964c94f0ea269a806fd9f43f0da58b6cd1b33d189b2a',
      msg: '77',
      tag: 'dfc5105d5eecf7ae7b8b8de3930e7659e84c4172f2555142f1e568fc1872ad93',
      result: 'valid',
    },
    {
      tcId: 2,
      key: '8159fd15133cd964c9a6964c94f0ea269a806fd9f43f0da58b6cd1b33d189b2a',
      msg: '78',
      tag: 'dfc5105d5eecf7ae7b8b8de3930e7659e84c4172f2555142f1e568fc1872ad93',
      result: 'invalid',
    },
    {
      // RFC 4231 §4.3.
      tcId: 0,
      key: Buffer.from('Jefe').toString('hex'),
      msg: Buffer.from('what do ya want for nothing?').toString('hex'),
      tag: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      result: 'valid',
    },
  ];
  for (const one of cases) {
    assert.ok(agrees(one), `case ${one.tcId}`);
  }
});

// biome-ignore lint/style/noProcessEnv: only a test asks where the larger published vectors lie.
const folder = process.env['COUNTERFOIL_TEST_VECTORS'];
test('HMAC agrees with all 174 Wycheproof cases, truncated tags included', {
  skip: folder === undefined && 'COUNTERFOIL_TEST_VECTORS is not set',
}, () => {
  const path = join(folder ?? '', 'wycheproof-hmac_sha256_test.json');
  const file: { testGroups: { tests: HmacTest[] }[] } = JSON.parse(readFileSync(path, 'utf8'));
  const cases = file.testGroups.flatMap((group) => group.tests);
  assert.equal(cases.length, 174);
  assert.ok(cases.some((one) => one.result === 'invalid'));
  assert.deepEqual(
    cases.filter((one) => !agrees(one)).map((one) => one.tcId),
    [],
  );
});

test('hkdf follows RFC 5869: extract with the salt, expand with the info', () => {
  const ikm = () => SecretKey.take(Buffer.alloc(32, 1));
  const salt = Buffer.from('salt');
  const info = Buffer.from('info');
  // The two steps by hand (RFC 5869 §2.2, §2.3); one block suffices for 32 bytes.
  const prk = hmacSha256({ keyObject: () => createSecretKey(salt) }, ikm().keyObject().export());
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
