import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticatorFor, isRefusal, makeKey, signRaw, signToken } from './issuer.ts';

const KEYS = [makeKey('EdDSA', 'ed'), makeKey('ES256', 'ec'), makeKey('RS256', 'rsa')];
const [ED = makeKey('EdDSA', 'ed')] = KEYS;
const jwks = { kind: 'static' as const, keys: KEYS.map(({ jwk }) => jwk) };

for (const key of KEYS) {
  test(`a token signed with ${key.alg} names its principal, at first sight and when remembered`, async () => {
    const issuer = authenticatorFor({ jwks });
    const token = signToken(key, issuer.claims({ roles: ['app'], vaults: ['demo'] }));
    const expected = {
      subject: 'someone',
      issuer: 'https://issuer.example',
      roles: ['app'],
      vaults: ['demo'],
      mfa: false,
      credential: `jwt:${key.kid}`,
    };
    assert.deepEqual(await issuer.bearer(token), expected);
    assert.deepEqual(await issuer.bearer(token), expected);
    await issuer.close();
  });
}

async function principalFor(changes: object) {
  const issuer = authenticatorFor({ jwks });
  try {
    return await issuer.bearer(signToken(ED, issuer.claims(changes)));
  } finally {
    await issuer.close();
  }
}

test('absent roles and vaults grant none', async () => {
  const { roles, vaults } = await principalFor({});
  assert.deepEqual({ roles, vaults }, { roles: [], vaults: [] });
});

test('vaults "*" is all of them, but a list that holds "*" is just a list', async () => {
  assert.equal((await principalFor({ vaults: '*' })).vaults, '*');
  assert.deepEqual((await principalFor({ vaults: ['*'] })).vaults, ['*']);
});

test('one of several audiences is enough', async () => {
  assert.equal((await principalFor({ aud: ['other', 'counterfoil'] })).subject, 'someone');
});

test('a second factor is taken from amr and from a trusted acr, and only then', async () => {
  assert.equal((await principalFor({ amr: ['mfa'] })).mfa, true);
  assert.equal((await principalFor({ amr: ['pwd', 'otp'] })).mfa, true);
  assert.equal((await principalFor({ amr: ['pwd', 'pin'] })).mfa, false);
  assert.equal((await principalFor({ acr: 'urn:example:strong' })).mfa, true);
  assert.equal((await principalFor({ acr: 'urn:example:weak' })).mfa, false);
  assert.equal((await principalFor({})).mfa, false);
});

test('access token types of RFC 9068 and an absent type are accepted', async () => {
  const issuer = authenticatorFor({ jwks });
  for (const typ of ['at+jwt', 'application/at+jwt', 'jwt', undefined]) {
    const token = signRaw(ED, { alg: 'EdDSA', kid: 'ed', typ }, issuer.claims());
    assert.equal((await issuer.bearer(token)).subject, 'someone');
  }
  await issuer.close();
});

test('a start is given 30 s of leeway, an end 5 s, and no more', async () => {
  const issuer = authenticatorFor({ jwks });
  const now = issuer.clock.nowS();
  for (const claims of [{ exp: now - 4 }, { nbf: now + 30 }, { iat: now + 30 }]) {
    assert.equal((await issuer.bearer(signToken(ED, issuer.claims(claims)))).subject, 'someone');
  }
  for (const claims of [{ exp: now - 5 }, { nbf: now + 31 }, { iat: now + 31 }]) {
    await assert.rejects(issuer.bearer(signToken(ED, issuer.claims(claims))), isRefusal);
  }
  await issuer.close();
});

test('a remembered signature does not outlive the token', async () => {
  const issuer = authenticatorFor({ jwks });
  const token = signToken(ED, issuer.claims({ exp: issuer.clock.nowS() + 10 }));
  await issuer.bearer(token);
  issuer.clock.advance(14_000);
  await issuer.bearer(token);
  issuer.clock.advance(1000);
  await assert.rejects(issuer.bearer(token), isRefusal);
  await issuer.close();
});

test('a caller is recalled at once when the same token was good a moment ago, and only then', async () => {
  const issuer = authenticatorFor({ jwks });
  const token = signToken(ED, issuer.claims({ roles: ['app'] }));
  assert.equal(issuer.recall(token), undefined);
  const principal = await issuer.bearer(token);
  assert.deepEqual(issuer.recall(token), principal);
  assert.equal(issuer.recall(signToken(ED, issuer.claims({ roles: ['admin'] }))), undefined);
  assert.equal(issuer.recall(`${token.slice(0, -4)}AAAA`), undefined);
  issuer.clock.advance(60_000);
  assert.equal(issuer.recall(token), undefined);
  await issuer.close();
});

test('a caller is not recalled once the token has ended', async () => {
  const issuer = authenticatorFor({ jwks });
  const token = signToken(ED, issuer.claims({ exp: issuer.clock.nowS() + 10 }));
  await issuer.bearer(token);
  issuer.clock.advance(14_000);
  assert.notEqual(issuer.recall(token), undefined);
  issuer.clock.advance(1000);
  assert.equal(issuer.recall(token), undefined);
  await issuer.close();
});

test('who was refused is not recalled', async () => {
  const issuer = authenticatorFor({ jwks });
  const early = signToken(ED, issuer.claims({ nbf: issuer.clock.nowS() + 40 }));
  await assert.rejects(issuer.bearer(early), isRefusal);
  assert.equal(issuer.recall(early), undefined);
  await issuer.close();
});
