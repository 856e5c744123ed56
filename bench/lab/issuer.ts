import { AUDIENCE, makeKey, signToken, startIssuerServer } from '../../test/transport/issuer.ts';
import type { Role } from './policies.ts';

/** Longer than any run. */
const LIFE_S = 86_400;

export type Issuer = {
  url: string;
  audience: string;
  tokenFor(role: Role): string;
  close(): Promise<void>;
};

/** An issuer of bearer tokens on loopback, with its discovery document and key set. */
export async function startIssuer(): Promise<Issuer> {
  const key = makeKey('EdDSA', 'key-1');
  const documents = new Map<string, string>();
  const { url, close } = await startIssuerServer(documents);
  const discovery = { issuer: url, jwks_uri: `${url}/keys` };
  documents.set('/.well-known/openid-configuration', JSON.stringify(discovery));
  documents.set('/keys', JSON.stringify({ keys: [key.jwk] }));
  const startedS = Math.floor(Date.now() / 1_000);
  return {
    url,
    audience: AUDIENCE,
    tokenFor: (role) => {
      const who = { iss: url, aud: AUDIENCE, sub: `bench-${role}`, roles: [role], vaults: '*' };
      return signToken(key, { ...who, iat: startedS, nbf: startedS, exp: startedS + LIFE_S });
    },
    close,
  };
}
