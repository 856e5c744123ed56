import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFileJournalStore } from '../../src/adapters/file/erasure-journal.ts';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { NO_WITNESSES, type Witnessing } from '../../src/adapters/witness/read-witnesses.ts';
import type { CacheOptions } from '../../src/app/caches.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { startService } from '../../src/app/service.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretBytes } from '../../src/crypto/secret.ts';
import { generateSigningKey, loadSigningKey } from '../../src/crypto/signing.ts';
import { DEMO_POLICY } from './operations.ts';

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'counterfoil';
/** Name of the audit log of a new database. */
export const TEST_ORIGIN = 'log.test/audit';

export type TestService = Awaited<ReturnType<typeof startTestService>>;

type Options = {
  databaseUrl: string;
  rootKey?: Buffer;
  policies?: readonly string[];
  /** Where the signed state is remembered; a folder of the caller's. Without it, one that goes at the end. */
  headFolder?: string;
  witnessing?: Witnessing;
  /** Who can open exports. */
  exportRecipients?: readonly string[];
  /** What may be remembered of tokens; by default as much as by default. */
  cache?: CacheOptions;
};

/**
 * The whole service in this process, on a database of the caller's, with an issuer of its own. Start
 * it again with the same `rootKey` to meet the same data.
 */
export async function startTestService(options: Options) {
  const signer = loadSigningKey(generateSigningKey().privatePem);
  const rootKey = options.rootKey ?? randomBytes(32);
  const ownFolder = await mkdtemp(join(tmpdir(), 'counterfoil-head-'));
  const service = await startService({
    databaseUrl: options.databaseUrl,
    rootKey: new SecretBytes(Buffer.from(rootKey)),
    issuers: [
      { issuer: ISSUER, audience: AUDIENCE, jwks: { kind: 'static', keys: [signer.publicJwk] } },
    ],
    documents: (options.policies ?? [readFileSync(DEMO_POLICY, 'utf8')]).map(readPolicy),
    claims: { roles: 'roles', vaults: 'vaults', mfaAcr: [] },
    host: '127.0.0.1',
    httpPort: 0,
    adminPort: 0,
    logLevel: 'silent',
    trustedProxies: [],
    exportRecipients: options.exportRecipients ?? [],
    cache: options.cache ?? { maxBytes: 32 * 1024 * 1024, redisUrl: undefined },
    volatile: { kind: 'memory' },
    erasures: makeFileJournalStore(join(options.headFolder ?? ownFolder, 'erasures')),
    audit: {
      isProduction: false,
      origin: undefined,
      fallbackOrigin: () => TEST_ORIGIN,
      keySources: ['keyring'],
      heads: makeFileHeadStore(options.headFolder ?? ownFolder),
      witnessing: options.witnessing ?? NO_WITNESSES,
    },
  });
  const close = async () => {
    await service.close();
    await rm(ownFolder, { recursive: true, force: true });
  };

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
  const post = async (
    role: string,
    path: string,
    body: unknown,
    more: Record<string, string> = {},
  ) => {
    const authorization = `Bearer ${tokenFor(role)}`;
    const headers = { authorization, 'content-type': 'application/json', ...more };
    const url = `${service.http}/v1/vaults/demo/${path}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  };

  return { ...service, close, rootKey, tokenFor, post };
}
