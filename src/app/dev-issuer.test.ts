import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeAuthenticator } from '../adapters/oidc/authenticator.ts';
import { DEMO_ROLES, demoTokens, findDevIssuer, openDevIssuer } from './dev-issuer.ts';
import { readPolicyFolder } from './policy-files.ts';
import { systemClock } from './system-clock.ts';

const dataDir = await mkdtemp(join(tmpdir(), 'dev-issuer-'));
after(() => rm(dataDir, { recursive: true }));

const claims = { roles: 'roles', vaults: 'vaults' };
const deps = { dataDir, claims, clock: systemClock };

function authenticate(issuer: Awaited<ReturnType<typeof openDevIssuer>>, token: string) {
  const authenticator = makeAuthenticator({
    issuers: [
      {
        issuer: issuer.issuer,
        audience: issuer.audience,
        jwks: { kind: 'static', keys: [issuer.publicJwk] },
      },
    ],
    rolesClaim: 'roles',
    vaultsClaim: 'vaults',
    mfaAcr: [],
    clock: systemClock,
  });
  return authenticator.authenticate(`Bearer ${token}`).finally(() => authenticator.close());
}

test('no token can be made where no instance was ever started', async () => {
  await assert.rejects(findDevIssuer(deps), { message: /No Counterfoil was ever started in / });
});

test('the key is private, made once and kept', async () => {
  const first = await openDevIssuer(deps);
  assert.equal((await stat(join(dataDir, 'dev-issuer.pem'))).mode & 0o777, 0o600);
  assert.deepEqual((await openDevIssuer(deps)).publicJwk, first.publicJwk);
  assert.deepEqual((await findDevIssuer(deps)).publicJwk, first.publicJwk);
});

test('every role of the demo policy has a token that the service believes, and no other', async () => {
  const issuer = await openDevIssuer(deps);
  const examples = join(import.meta.dirname, '../../examples/policies');
  const [demo] = await readPolicyFolder(examples);
  assert.deepEqual(Object.keys(DEMO_ROLES).sort(), [...(demo?.policy.roles.keys() ?? [])].sort());
  for (const [role, token] of Object.entries(demoTokens(issuer))) {
    const principal = await authenticate(issuer, token);
    assert.equal(principal.subject, `dev-${role}`);
    assert.deepEqual(principal.roles, [role]);
    assert.deepEqual(principal.vaults, ['demo']);
    assert.equal(principal.mfa, role === 'supervisor');
  }
});

test('a token lives for 24 hours, has an id of its own, and uses the claims that are configured', async () => {
  const names = { roles: 'groups', vaults: 'tenants' };
  const issuer = await openDevIssuer({ ...deps, claims: names, clock: { now: () => 1_000_999 } });
  const payload = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const request = { role: 'app', mfa: true, sub: 'eve', vaults: ['*'] };
  const one = payload(issuer.issue(request));
  assert.notEqual(one.jti, payload(issuer.issue(request)).jti);
  delete one.jti;
  assert.deepEqual(one, {
    iss: 'counterfoil-dev',
    aud: 'counterfoil',
    sub: 'eve',
    groups: ['app'],
    tenants: '*',
    amr: ['mfa'],
    iat: 1000,
    nbf: 1000,
    exp: 87_400,
  });
});
