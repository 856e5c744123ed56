import type { Principal } from '../../domain/access/principal.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { type ClaimRules, principalOf } from './claims.ts';
import { parseBearer } from './compact-jws.ts';
import { type Fetch, type JwksSource, readJwks } from './jwks-source.ts';
import { type KeySet, makeKeySet } from './key-set.ts';
import { refuse } from './refuse.ts';
import { makeSignatureMemory, type SignedJws } from './signature-memory.ts';

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

  const issuerOf = ({ jws }: Pick<SignedJws, 'jws'>): Issuer => {
    const issuer = issuers.get(jws.claims['iss']);
    if (issuer === undefined) {
      throw refuse('unknown issuer');
    }
    return issuer;
  };

  /** Checks the signature by the key in force; what it returns may be remembered. */
  const verify = async (authorization: string | undefined): Promise<SignedJws> => {
    const jws = parseBearer(authorization);
    const verifier = await issuerOf({ jws }).keys.find(jws.kid);
    if (verifier === undefined || verifier.key.algorithm !== jws.algorithm) {
      throw refuse('no key of that id and algorithm');
    }
    if (!verifier.isSigned(jws.token)) {
      throw refuse('bad signature');
    }
    return { jws, verifier };
  };

  /** A remembered signature counts only while its key, the very same one, is still in force. */
  const recall = async (authorization: string | undefined): Promise<SignedJws | undefined> => {
    const known = authorization === undefined ? undefined : memory.find(authorization);
    const current = known && (await issuerOf(known).keys.find(known.jws.kid));
    return current !== undefined && current === known?.verifier ? known : undefined;
  };

  return {
    async authenticate(authorization) {
      const known = await recall(authorization);
      const signed = known ?? (await verify(authorization));
      const principal = principalOf(signed.jws.claims, {
        rules: issuerOf(signed).rules,
        kid: signed.jws.kid,
        nowS: clock.now() / 1000,
      });
      if (known === undefined && authorization !== undefined) {
        memory.remember(authorization, signed);
      }
      return principal;
    },
    async close() {
      await Promise.all([...issuers.values()].map(({ keys }) => keys.close()));
    },
  };
}
