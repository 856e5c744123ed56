import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importPublicKey, importSeed, isSignature, publicKeyBytes, seedBytes } from './ed25519.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

test('seeds, public keys and signatures are those of RFC 8032 §7.1', () => {
  const cases = [
    {
      seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    },
    {
      seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    },
  ];
  for (const { seed, key, message, signature } of cases) {
    const privateKey = importSeed(hex(seed));
    assert.equal(seedBytes(privateKey).toString('hex'), seed);
    assert.equal(publicKeyBytes(privateKey).toString('hex'), key);
    assert.equal(publicKeyBytes(importPublicKey(hex(key))).toString('hex'), key);
    assert.equal(sign(undefined, hex(message), privateKey).toString('hex'), signature);
    const claim = { key: importPublicKey(hex(key)), message: hex(message) };
    assert.ok(isSignature({ ...claim, signature: hex(signature) }));
    assert.ok(!isSignature({ ...claim, signature: hex(signature).fill(1, 63) }));
    assert.ok(!isSignature({ ...claim, signature: Buffer.alloc(0) }));
  }
});

type Group = {
  publicKey: { pk: string };
  tests: { tcId: number; msg: string; sig: string; result: string }[];
};

// biome-ignore lint/style/noProcessEnv: only a test asks where the larger published vectors lie.
const folder = process.env['COUNTERFOIL_TEST_VECTORS'];
test('signatures agree with all 151 Wycheproof cases, malleable and malformed ones included', {
  skip: folder === undefined && 'COUNTERFOIL_TEST_VECTORS is not set',
}, () => {
  const path = join(folder ?? '', 'wycheproof-ed25519_test.json');
  const file: { testGroups: Group[] } = JSON.parse(readFileSync(path, 'utf8'));
  const cases = file.testGroups.flatMap(({ publicKey, tests }) =>
    tests.map((one) => ({ ...one, key: importPublicKey(hex(publicKey.pk)) })),
  );
  assert.equal(cases.length, 151);
  assert.ok(cases.some(({ result }) => result === 'invalid'));
  const wrong = cases.filter(({ key, msg, sig, result }) => {
    const verdict = isSignature({ key, message: hex(msg), signature: hex(sig) });
    return verdict !== (result === 'valid');
  });
  assert.deepEqual(
    wrong.map(({ tcId }) => tcId),
    [],
  );
});
