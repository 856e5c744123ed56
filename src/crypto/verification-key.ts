import { createPublicKey, type KeyObject } from 'node:crypto';

/** A public key that may verify bearer tokens, with the one algorithm that it is for. */
export type VerificationKey = {
  kid: string;
  algorithm: 'EdDSA' | 'ES256' | 'RS256';
  /** SubjectPublicKeyInfo as PEM: what the JWT library takes. */
  spkiPem: string;
};

type Jwk = Readonly<Record<string, unknown>>;
type Row = { algorithm: VerificationKey['algorithm']; isFit: (key: KeyObject) => boolean };

const MIN_RSA_BITS = 2048;
const MIN_RSA_EXPONENT = 65_537n;
const MAX_KID_CHARS = 256;
/** RFC 7518 §6.2.2, §6.3.2, §6.4.1: whoever publishes one of these has published a secret. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** One row per key type (`kty`). Symmetric keys have none. */
const KEY_TYPES: ReadonlyMap<unknown, Row> = new Map<unknown, Row>([
  ['OKP', { algorithm: 'EdDSA', isFit: (key) => key.asymmetricKeyType === 'ed25519' }],
  ['EC', { algorithm: 'ES256', isFit: isP256 }],
  ['RSA', { algorithm: 'RS256', isFit: isStrongRsa }],
]);

/**
 * Imports a key of a JWK set (RFC 7517, RFC 8037) after checking that it is a public signature key of a
 * kind that we accept: Ed25519, P-256, or RSA of at least 2048 bits with an odd exponent of at least
 * 65537 (FIPS 186-5 §5.4). Anything else is `undefined`: a set may hold keys for other purposes.
 */
export function importVerificationKey(jwk: unknown): VerificationKey | undefined {
  if (!isRecord(jwk) || !isForVerifying(jwk)) {
    return undefined;
  }
  const { kty, kid, alg } = jwk;
  const row = KEY_TYPES.get(kty);
  if (row === undefined || !isKid(kid) || (alg !== undefined && alg !== row.algorithm)) {
    return undefined;
  }
  const key = toKeyObject(jwk);
  if (key === undefined || !row.isFit(key)) {
    return undefined;
  }
  return { kid, algorithm: row.algorithm, spkiPem: key.export({ type: 'spki', format: 'pem' }) };
}

function isRecord(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKid(kid: unknown): kid is string {
  return typeof kid === 'string' && kid.length > 0 && kid.length <= MAX_KID_CHARS;
}

/** RFC 7517 §4.2, §4.3. */
function isForVerifying(jwk: Jwk): boolean {
  const { use, key_ops: operations } = jwk;
  return (
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify'))) &&
    !PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))
  );
}

function toKeyObject(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function isStrongRsa(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return (
    key.asymmetricKeyType === 'rsa' &&
    modulusLength >= MIN_RSA_BITS &&
    publicExponent >= MIN_RSA_EXPONENT &&
    publicExponent % 2n === 1n
  );
}
