import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IssuerConfig } from '../../src/adapters/oidc/authenticator.ts';
import { makeAuthenticator } from '../../src/adapters/oidc/authenticator.ts';

export const AUDIENCE = 'counterfoil';
/** 2026-06-01T00:00:00Z: where the tests' clock starts. */
const START_MS = 1_780_272_000_000;

export type TestKey = {
  kid: string;
  alg: 'EdDSA' | 'ES256' | 'RS256';
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: Record<string, unknown>;
};

/** A clock that moves when told. */
export function makeTestClock() {
  let ms = START_MS;
  return {
    now: () => ms,
    monotonic: () => ms - START_MS,
    nowS: () => ms / 1000,
    advance: (byMs: number) => {
      ms += byMs;
    },
  };
}

/** A fresh key pair for one algorithm. */
export function makeKey(alg: TestKey['alg'], kid: string): TestKey {
  const { privateKey, publicKey } = generate(alg);
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, alg, privateKey, publicKey, jwk };
}

function generate(alg: TestKey['alg']) {
  switch (alg) {
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

export const encode = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** A compact JWS over any header and payload, honest or not; strings are taken as they are. */
export function signRaw(key: TestKey, header: object | string, payload: object | string): string {
  const input = Buffer.from(`${encode(header)}.${encode(payload)}`);
  const signature =
    key.alg === 'EdDSA'
      ? sign(null, input, key.privateKey)
      : sign('sha256', input, {
          key: key.privateKey,
          dsaEncoding: 'ieee-p1363',
          padding: constants.RSA_PKCS1_PADDING,
        });
  return `${input}.${signature.toString('base64url')}`;
}

/** An honest token of the key. */
export function signToken(key: TestKey, claims: object): string {
  return signRaw(key, { alg: key.alg, kid: key.kid, typ: 'JWT' }, claims);
}

/** Serves documents by path on loopback, counting the reads of each. */
export async function startIssuerServer(documents: Map<string, string>) {
  const reads = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    reads.set(path, (reads.get(path) ?? 0) + 1);
    const text = documents.get(path);
    if (text?.startsWith('redirect:')) {
      response.writeHead(302, { location: text.slice('redirect:'.length) }).end();
      return;
    }
    response.writeHead(text === undefined ? 500 : 200).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    reads: (path: string) => reads.get(path) ?? 0,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A running authenticator for one issuer whose keys are given or served. */
export function authenticatorFor(options: {
  jwks: IssuerConfig['jwks'];
  issuer?: string;
  clock?: ReturnType<typeof makeTestClock>;
  fetch?: typeof globalThis.fetch;
}) {
  const clock = options.clock ?? makeTestClock();
  const issuer = options.issuer ?? 'https://issuer.example';
  const { authenticate, recall, close } = makeAuthenticator({
    issuers: [{ issuer, audience: AUDIENCE, jwks: options.jwks }],
    rolesClaim: 'roles',
    vaultsClaim: 'vaults',
    mfaAcr: ['urn:example:strong'],
    clock,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  return {
    clock,
    close,
    authenticate,
    bearer: (token: string) => authenticate(`Bearer ${token}`),
    recall: (token: string) => recall(`Bearer ${token}`),
    /** Claims that are good for ten minutes. */
    claims: (changes: object = {}) => ({
      iss: issuer,
      aud: AUDIENCE,
      sub: 'someone',
      exp: clock.nowS() + 600,
      ...changes,
    }),
  };
}

/** The one refusal; fails the test for success and for any other error. */
export const isRefusal = (error: unknown): true => {
  const facts = error as { name?: string; code?: string };
  if (facts.name !== 'VaultError' || facts.code !== 'unauthenticated') {
    throw new Error('refused in another way', { cause: error });
  }
  return true;
};
