import type { VerificationKey } from '../../crypto/verification-key.ts';
import { parseStrictJson } from '../../domain/json.ts';
import { refuse } from './refuse.ts';

export type JsonObject = { readonly [name: string]: unknown };

/** A compact JWS (RFC 7515 §7.1) in the one form that we read. Nothing in it is verified yet. */
export type UnverifiedJws = {
  token: string;
  algorithm: VerificationKey['algorithm'];
  kid: string;
  claims: JsonObject;
};

const MAX_TOKEN_BYTES = 8192;
const MAX_KID_CHARS = 256;
const ALGORITHMS: ReadonlySet<unknown> = new Set<VerificationKey['algorithm']>([
  'EdDSA',
  'ES256',
  'RS256',
]);

/** RFC 7519 §5.1 and RFC 9068 §2.1. Other types (logout, DPoP proofs) are other things. */
const TYPES: ReadonlySet<string> = new Set([
  'jwt',
  'at+jwt',
  'application/jwt',
  'application/at+jwt',
]);

/**
 * Header parameters by which a token would choose its own key or its own rules: RFC 7515 §4.1.2–4.1.6,
 * §4.1.11 (`crit`), RFC 7797 (`b64`), encryption and nesting. We understand none: all are refused.
 */
const REFUSED = ['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip', 'enc', 'epk', 'cty'];

/** RFC 6750 §2.1: `Bearer` (in any case, RFC 9110 §11.1), one space, three base64url parts. */
const BEARER = /^[Bb][Ee][Aa][Rr][Ee][Rr] ([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/**
 * Reads an `Authorization` header, before any key is looked at. Throws `unauthenticated` unless it is a
 * compact JWS of at most 8 KiB, in canonical base64url (no second spelling of one token), whose header
 * and claims are JSON objects without duplicate names, with an allowed algorithm, type and a key id.
 */
export function parseBearer(authorization: string): UnverifiedJws {
  if (authorization.length > MAX_TOKEN_BYTES) {
    throw refuse('a header over 8 KiB');
  }
  const [, header, payload, signature] = BEARER.exec(authorization) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) {
    throw refuse('not a bearer token with three parts');
  }
  decode(signature);
  return {
    token: authorization.slice('Bearer '.length),
    ...checkHeader(parseObject(header)),
    claims: parseObject(payload),
  };
}

function checkHeader(header: JsonObject): Pick<UnverifiedJws, 'algorithm' | 'kid'> {
  const { alg, kid, typ } = header;
  if (!isAlgorithm(alg)) {
    throw refuse('algorithm not allowed');
  }
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > MAX_KID_CHARS) {
    throw refuse('no usable key id');
  }
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.has(typ.toLowerCase()))) {
    throw refuse('another type of token');
  }
  if (REFUSED.some((name) => Object.hasOwn(header, name))) {
    throw refuse('a header parameter that is never accepted');
  }
  return { algorithm: alg, kid };
}

function isAlgorithm(alg: unknown): alg is VerificationKey['algorithm'] {
  return ALGORITHMS.has(alg);
}

function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) {
    throw refuse('not canonical base64url');
  }
  return bytes;
}

function parseObject(part: string): JsonObject {
  const bytes = decode(part);
  let parsed: unknown;
  try {
    parsed = parseStrictJson(bytes);
  } catch (cause) {
    throw refuse('not strict JSON', cause);
  }
  if (!isObject(parsed)) {
    throw refuse('not a JSON object');
  }
  return parsed;
}

/** Tells a JSON object from the other kinds of JSON value. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
