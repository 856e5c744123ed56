import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { VaultError } from '../domain/errors.ts';
import { sha256 } from './digest.ts';

/** An Ed25519 public key as a JWK, fit for a JWK set. */
export type PublicJwk = {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  kid: string;
  alg: 'EdDSA';
  use: 'sig';
};

/** The key of the development issuer. */
export type SigningKey = {
  /** JWK thumbprint (RFC 7638). */
  kid: string;
  publicJwk: PublicJwk;
  /** A compact JWS (RFC 7515) over the claims: `alg` EdDSA, `typ` JWT. */
  sign(claims: object): string;
};

/** Makes a new Ed25519 key. `privatePem` is PKCS #8 in clear: store it with mode 0600. */
export function generateSigningKey(): { privatePem: string; kid: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    kid: thumbprint(publicX(privateKey)),
  };
}

/** Loads what `generateSigningKey` made. Throws `key_unavailable` for anything but an Ed25519 key. */
export function loadSigningKey(privatePem: string): SigningKey {
  const key = parsePrivateKey(privatePem);
  const x = publicX(key);
  const kid = thumbprint(x);
  const header = base64urlJson({ alg: 'EdDSA', typ: 'JWT', kid });
  return {
    kid,
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' },
    sign: (claims) => {
      const signed = `${header}.${base64urlJson(claims)}`;
      return `${signed}.${sign(undefined, Buffer.from(signed), key).toString('base64url')}`;
    },
  };
}

function parsePrivateKey(privatePem: string): KeyObject {
  const detail = 'the signing key is not an Ed25519 private key in PEM';
  let key: KeyObject;
  try {
    key = createPrivateKey(privatePem);
  } catch (cause) {
    throw new VaultError('key_unavailable', { cause, detail });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new VaultError('key_unavailable', { detail });
  }
  return key;
}

/** The public key, base64url, as the JWK member `x` (RFC 8037 §2). */
function publicX(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x ?? '';
}

/** RFC 7638 with the members of RFC 8037 §2: crv, kty, x, in this order, without white space. */
function thumbprint(x: string): string {
  return sha256(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x })).toString('base64url');
}

function base64urlJson(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
