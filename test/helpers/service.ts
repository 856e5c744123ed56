import { readFileSync } from 'node:fs';
import { readPolicy } from '../../src/app/policy-files.ts';
import { startService } from '../../src/app/service.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretBytes } from '../../src/crypto/secret.ts';
import { generateSigningKey, loadSigningKey } from '../../src/crypto/signing.ts';
import { DEMO_POLICY } from './operations.ts';

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'counterfoil';

export type TestService = Awaited<ReturnType<typeof startTestService>>;

/**
 * The whole service in this process, on a database of the caller's, with an issuer of its own. Start
 * it again with the same `rootKey` to meet the same data.
 */
export async function startTestService(options: {
  databaseUrl: string;
  rootKey?: Buffer;
  policies?: readonly string[];
}) {
  const signer = loadSigningKey(generateSigningKey().privatePem);
  const rootKey = options.rootKey ?? randomBytes(32);
  const policies = options.policies ?? [readFileSync(DEMO_POLICY, 'utf8')];
  const service = await startService({
    databaseUrl: options.databaseUrl,
    rootKey: new SecretBytes(Buffer.from(rootKey)),
    issuers: [
      { issuer: ISSUER, audience: AUDIENCE, jwks: { kind: 'static', keys: [signer.publicJwk] } },
    ],
    documents: policies.map(readPolicy),
    claims: { roles: 'roles', vaults: 'vaults', mfaAcr: [] },
    host: '127.0.0.1',
    httpPort: 0,
    adminPort: 0,
    logLevel: 'silent',
    trustedProxies: [],
  });

  /** A bearer token of a role; `claims` override. */
  const tokenFor = (role: string, claims: object = {}): string => {
    const now = Math.floor(Date.now() / 1000);
    return signer.sign({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: `test-${role}`,
      roles: [role],
      vaults: '*',
      iat: now,
      nbf: now,
      exp: now + 3600,
      ...(role === 'supervisor' ? { amr: ['mfa'] } : {}),
      ...claims,
    });
  };

  /** POSTs JSON to a path below `/v1/vaults/demo/` as a role. */
  const post = async (role: string, path: string, body: unknown) => {
    const response = await fetch(`${service.http}/v1/vaults/demo/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenFor(role)}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  };

  return { ...service, rootKey, tokenFor, post };
}
