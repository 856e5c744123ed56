import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { generateSigningKey, loadSigningKey } from './signing.ts';
import { importVerificationKey } from './verification-key.ts';

// RFC 8037 appendix A.1 to A.4.
const RFC_JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};
const rfcPem = () =>
  createPrivateKey({ key: RFC_JWK, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });

function decode(part: string | undefined): unknown {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
}

test('the key id is the thumbprint that RFC 8037 publishes for its key', () => {
  const key = loadSigningKey(rfcPem());
  assert.equal(key.kid, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  assert.equal(key.publicJwk.x, RFC_JWK.x);
  assert.ok(!Object.hasOwn(key.publicJwk, 'd'));
});

test('a signed token is a compact JWS that its own published key verifies', () => {
  const { privatePem, kid } = generateSigningKey();
  const key = loadSigningKey(privatePem);
  assert.equal(key.kid, kid);
  const token = key.sign({ sub: 'dev-appi', exp: 1 });
  const [header, claims, signature, ...rest] = token.split('.');
  assert.deepEqual(rest, []);
  assert.deepEqual(decode(header), { alg: 'EdDSA', typ: 'JWT', kid });
  assert.deepEqual(decode(claims), { sub: 'dev-appi', exp: 1 });

  const imported = importVerificationKey(key.publicJwk);
  assert.ok(imported);
  assert.equal(imported.kid, kid);
  const verifies = (signed: string) =>
    verify(
      undefined,
      Buffer.from(signed),
      imported.spkiPem,
      Buffer.from(signature ?? '', 'base64url'),
    );
  assert.ok(verifies(`${header}.${claims}`));
  assert.ok(!verifies(`${header}.${claims}x`));
});

test('Ed25519 signatures are those of RFC 8037', () => {
  // The RFC's header has only `alg`; the signature primitive underneath is what can be compared.
  const imported = importVerificationKey({ kty: 'OKP', crv: 'Ed25519', x: RFC_JWK.x, kid: 'rfc' });
  const signature =
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg';
  const signed = Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
  const bytes = Buffer.from(signature, 'base64url');
  assert.ok(verify(undefined, signed, imported?.spkiPem ?? '', bytes));
});

test('two new keys differ', () => {
  assert.notEqual(generateSigningKey().kid, generateSigningKey().kid);
});

test('anything but an Ed25519 private key is refused, without its text in the error', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pems = [
    '',
    'canary',
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicKey.export({ type: 'spki', format: 'pem' }),
    rfcPem().replace('MC4', 'MC5'),
  ];
  for (const pem of pems) {
    assert.throws(
      () => loadSigningKey(pem),
      (error: Error & { code?: string }) =>
        error.code === 'key_unavailable' && !String(error.stack).includes('canary'),
    );
  }
});
