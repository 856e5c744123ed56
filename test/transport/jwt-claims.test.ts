import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { authenticatorFor, isRefusal, makeKey, signRaw, signToken } from './issuer.ts';

const ED = makeKey('EdDSA', 'ed');
const issuer = authenticatorFor({ jwks: { kind: 'static', keys: [ED.jwk] } });
after(() => issuer.close());

const claims = () => issuer.claims();

async function refuseAll(tokens: readonly string[]): Promise<void> {
  assert.notEqual(tokens.length, 0);
  for (const token of tokens) {
    await assert.rejects(issuer.bearer(token), isRefusal, token.slice(0, 200));
  }
}

test('the token that the others differ from is good', async () => {
  assert.equal((await issuer.bearer(signToken(ED, claims()))).subject, 'someone');
});

test('claims that are missing, of a wrong type or beyond all time are refused', async () => {
  const now = issuer.clock.nowS();
  const wrong: object[] = [
    { exp: undefined },
    { exp: String(now + 600) },
    { exp: 1e308 },
    { exp: -1 },
    { exp: null },
    { exp: [now + 600] },
    { exp: true },
    { nbf: String(now) },
    { nbf: 1e308 },
    { iat: 'yesterday' },
    { sub: undefined },
    { sub: '' },
    { sub: 5 },
    { sub: 'a\nb' },
    { sub: 'x'.repeat(257) },
    { roles: 'admin' },
    { roles: [5] },
    { roles: { 0: 'admin' } },
    { vaults: 'demo' },
    { vaults: { length: 1 } },
    { amr: 'mfa' },
    { acr: ['urn:example:strong'] },
    { cnf: { jkt: 'x' } },
  ];
  await refuseAll(wrong.map((claim) => signToken(ED, issuer.claims(claim))));
  const raw = JSON.stringify(claims()).replace(/"exp":[\d.]+/, '"exp":');
  const numbers = ['NaN', 'Infinity', '1e999', '-1e999', '0x7fffffff', '01'];
  await refuseAll(
    numbers.map((text) =>
      signRaw(ED, { alg: 'EdDSA', kid: 'ed' }, raw.replace('"exp":', `"exp":${text}`)),
    ),
  );
});

test('expired tokens, early tokens and tokens for or from others are refused', async () => {
  const now = issuer.clock.nowS();
  const wrong: object[] = [
    { exp: now - 60 },
    { nbf: now + 60 },
    { iat: now + 60 },
    { aud: 'another' },
    { aud: ['another'] },
    { aud: [] },
    { aud: undefined },
    { aud: { 0: 'counterfoil' } },
    { aud: 'Counterfoil' },
    { iss: 'https://issuer.example/' },
    { iss: 'https://evil.example' },
    { iss: undefined },
    { iss: ['https://issuer.example'] },
    { iss: '__proto__' },
  ];
  await refuseAll(wrong.map((claim) => signToken(ED, issuer.claims(claim))));
});
