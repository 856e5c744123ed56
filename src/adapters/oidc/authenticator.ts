import type { Principal } from '../../domain/access/principal.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { type ClaimRules, findUntimely, readGrant } from './claims.ts';
import { parseBearer } from './compact-jws.ts';
import { type Fetch, type JwksSource, readJwks } from './jwks-source.ts';
import { type KeySet, makeKeySet } from './key-set.ts';
import { refuse } from './refuse.ts';
import { makeSignatureMemory, type Verified } from './signature-memory.ts';

/** An issuer whose tokens are accepted. */
export type IssuerConfig = { issuer: string; audience: string; jwks: JwksSource };

export type AuthenticatorDeps = {
  issuers: readonly IssuerConfig[];
  rolesClaim: string;
  vaultsClaim: string;
  /** Values of `acr` that count as a second factor. */
  mfaAcr: readonly string[];
  clock: Pick<Clock, 'now' | 'monotonic'>;
  /** For key sets and discovery; the platform's own by default. */
  fetch?: Fetch;
  /** Told whenever an issuer's keys could not be read: until they can, nobody of it gets in. */
  keysFailed?: (error: unknown) => void;
};

export type Authenticator = {
  /**
   * Who calls, by the `Authorization` header. Rejects with `unauthenticated` for every reason alike:
   * absent, malformed, unknown key, bad signature, expired, issuer's keys not to be had.
   */
  authenticate: (authorization: string | undefined) => Promise<Principal>;
  /**
   * Who calls, at once, when this very token was verified less than 60 s ago, its key is in force and its
   * times hold now. `undefined` says nothing: `authenticate` has to be asked.
   */
  recall: (authorization: string | undefined) => Principal | undefined;
  close: () => Promise<void>;
};

type Issuer = { rules: ClaimRules; keys: KeySet };

/**
 * Makes the verifier of bearer tokens (JWT, RFC 7519, RFC 8725) from the configured issuers. The
 * unverified `iss` and `kid` only select among keys that we configured; the key then decides the
 * algorithm. Signatures are remembered for 60 s; key, times, issuer and audience are checked each time.
 */
export function makeAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { clock, fetch = globalThis.fetch } = deps;
  const trustedAcr: ReadonlySet<string> = new Set(deps.mfaAcr);
  const issuers: ReadonlyMap<unknown, Issuer> = new Map(
    deps.issuers.map(({ issuer, audience, jwks }) => [
      issuer,
      {
        rules: {
          issuer,
          audience,
          rolesClaim: deps.rolesClaim,
          vaultsClaim: deps.vaultsClaim,
          trustedAcr,
        },
        keys: makeKeySet({
          read: () => readJwks(issuer, jwks, fetch),
          clock,
          failed: deps.keysFailed,
        }),
      },
    ]),
  );
  const memory = makeSignatureMemory(() => clock.monotonic());

  /** Checks the signature by the key in force; what it returns may be remembered. */
  const verify = async (authorization: string): Promise<Verified> => {
    const { token, kid, algorithm, claims } = parseBearer(authorization);
    const issuer = issuers.get(claims['iss']);
    if (issuer === undefined) {
      throw refuse('unknown issuer');
    }
    const { keys, rules } = issuer;
    const verifier = await keys.find(kid);
    if (verifier === undefined || verifier.key.algorithm !== algorithm) {
      throw refuse('no key of that id and algorithm');
    }
    if (!verifier.isSigned(token)) {
      throw refuse('bad signature');
    }
    return { keys, kid, verifier, grant: readGrant(claims, { rules, kid }) };
  };

  /** A remembered signature counts only while its key, the very same one, is still in force. */
  const remembered = async (authorization: string): Promise<Verified | undefined> => {
    const known = memory.find(authorization);
    const current = known && (await known.keys.find(known.kid));
    return current !== undefined && current === known?.verifier ? known : undefined;
  };

  return {
    recall(authorization) {
      const known = authorization === undefined ? undefined : memory.find(authorization);
      const holds =
        known !== undefined &&
        known.keys.peek(known.kid) === known.verifier &&
        findUntimely(known.grant, clock.now() / 1000) === undefined;
      return holds ? known.grant.principal : undefined;
    },
    async authenticate(authorization = '') {
      const known = await remembered(authorization);
      const verified = known ?? (await verify(authorization));
      const untimely = findUntimely(verified.grant, clock.now() / 1000);
      if (untimely !== undefined) {
        throw refuse(untimely);
      }
      if (known === undefined) {
        memory.remember(authorization, verified);
      }
      return verified.grant.principal;
    },
    async close() {
      await Promise.all([...issuers.values()].map(({ keys }) => keys.close()));
    },
  };
}
