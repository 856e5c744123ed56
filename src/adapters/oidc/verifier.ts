import jwt from '@fastify/jwt';
import Fastify from 'fastify';
import type { VerificationKey } from '../../crypto/verification-key.ts';

/** One public key, bound to one algorithm, ready to check signatures. */
export type Verifier = {
  key: VerificationKey;
  /** True when the compact JWS is signed by this key with its one algorithm. Looks at nothing else. */
  isSigned: (token: string) => boolean;
  close: () => Promise<void>;
};

/**
 * Makes the verifier of one key. `@fastify/jwt` is a plugin, so each key gets a Fastify instance of its
 * own that never listens: no options, caches or keys are shared, and the algorithm is not the token's
 * choice (RFC 8725 §3.1). The library's cache is off (GHSA-rp9m-7r4c-75qg), and times are left to
 * `findUntimely`, which sees them on every request.
 */
export async function makeVerifier(key: VerificationKey): Promise<Verifier> {
  const app = Fastify({ logger: false });
  await app.register(jwt, {
    secret: { public: key.spkiPem },
    verify: {
      algorithms: [key.algorithm],
      cache: false,
      ignoreExpiration: true,
      ignoreNotBefore: true,
    },
  });
  await app.ready();
  return {
    key,
    isSigned: (token) => {
      try {
        app.jwt.verify(token);
        return true;
      } catch {
        return false;
      }
    },
    close: () => app.close(),
  };
}
