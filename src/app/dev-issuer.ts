import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEV_ISSUER } from '../config/mode-rules.ts';
import { randomBytes } from '../crypto/random.ts';
import { generateSigningKey, loadSigningKey, type PublicJwk } from '../crypto/signing.ts';
import { VaultError } from '../domain/errors.ts';
import { createPrivateFile } from './private-file.ts';
import { fileProblem } from './start-error.ts';

const AUDIENCE = 'counterfoil';
const LIFETIME_S = 24 * 60 * 60;

/** The vault of the embedded start. */
export const DEMO_VAULT = 'demo';

/** The roles of the demo vault; those whose grants need a second factor have one. */
export const DEMO_ROLES = {
  app: { mfa: false },
  support: { mfa: false },
  supervisor: { mfa: true },
  billing: { mfa: false },
  fraud: { mfa: false },
  approver: { mfa: false },
  privacy: { mfa: false },
  auditor: { mfa: false },
  operator: { mfa: false },
} as const satisfies Record<string, { mfa: boolean }>;

export type DevTokenRequest = {
  role: string;
  mfa: boolean;
  /** `dev-<role>` when absent. */
  sub?: string | undefined;
  vaults?: readonly string[];
};

/** A local issuer for development: whoever can read its key is anybody. */
export type DevIssuer = {
  issuer: string;
  audience: string;
  publicJwk: PublicJwk;
  /** A bearer token for 24 hours. */
  issue(request: DevTokenRequest): string;
};

type Deps = {
  dataDir: string;
  /** Names of the claims, as the service is configured to read them. */
  claims: { roles: string; vaults: string };
  clock: { now(): number };
};

/** Opens the issuer of a data directory, and makes its key when there is none. */
export async function openDevIssuer(deps: Deps): Promise<DevIssuer> {
  const path = keyPathOf(deps.dataDir);
  const known = await readKey(path);
  if (known !== undefined) {
    return makeDevIssuer(known, deps);
  }
  const { privatePem } = generateSigningKey();
  try {
    await createPrivateFile(path, privatePem);
  } catch (error) {
    throw fileProblem(`Cannot write ${path}`, error);
  }
  return makeDevIssuer(privatePem, deps);
}

/** Opens the issuer of a data directory that `counterfoil dev` was started in; makes nothing. */
export async function findDevIssuer(deps: Deps): Promise<DevIssuer> {
  const known = await readKey(keyPathOf(deps.dataDir));
  if (known === undefined) {
    throw new VaultError('key_unavailable', {
      detail: `No Counterfoil was ever started in ${deps.dataDir}: start it with \`npm start\`.`,
    });
  }
  return makeDevIssuer(known, deps);
}

/** One token per role of the demo vault. */
export function demoTokens(issuer: DevIssuer): Record<keyof typeof DEMO_ROLES, string> {
  const tokens = Object.entries(DEMO_ROLES).map(([role, { mfa }]) => [
    role,
    issuer.issue({ role, mfa }),
  ]);
  return Object.fromEntries(tokens) as Record<keyof typeof DEMO_ROLES, string>;
}

function makeDevIssuer(privatePem: string, { claims, clock }: Deps): DevIssuer {
  const key = loadSigningKey(privatePem);
  return {
    issuer: DEV_ISSUER,
    audience: AUDIENCE,
    publicJwk: key.publicJwk,
    issue: ({ role, mfa, sub = `dev-${role}`, vaults = [DEMO_VAULT] }) => {
      const now = Math.floor(clock.now() / 1000);
      return key.sign({
        iss: DEV_ISSUER,
        aud: AUDIENCE,
        sub,
        [claims.roles]: [role],
        [claims.vaults]: vaults.includes('*') ? '*' : vaults,
        ...(mfa && { amr: ['mfa'] }),
        iat: now,
        nbf: now,
        exp: now + LIFETIME_S,
        jti: randomBytes(16).toString('base64url'),
      });
    },
  };
}

async function readKey(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw fileProblem(`Cannot read ${path}`, error);
  }
}

function keyPathOf(dataDir: string): string {
  return join(dataDir, 'dev-issuer.pem');
}
