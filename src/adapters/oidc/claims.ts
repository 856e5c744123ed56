import type { Principal } from '../../domain/access/principal.ts';
import type { JsonObject } from './compact-jws.ts';
import { isObject } from './compact-jws.ts';
import { provesMfa } from './mfa.ts';
import { refuse } from './refuse.ts';

/** How claims become a principal: what is expected, and under which names. */
export type ClaimRules = {
  issuer: string;
  audience: string;
  /** Claim names; a dot descends into an object (`realm_access.roles`) unless a claim has that name. */
  rolesClaim: string;
  vaultsClaim: string;
  trustedAcr: ReadonlySet<string>;
};

/** How far the issuer's clock may be ahead of ours (DESIGN §11). */
const LEEWAY_S = 30;
/** An expired token gets no more than the time that a request is under way. */
const EXPIRY_LEEWAY_S = 5;
/** 9999-12-31T23:59:59Z. Later "times" are not times, but attempts to overflow one. */
const MAX_TIME_S = 253_402_300_799;
const SUBJECT = /^\P{Cc}{1,256}$/u;

/** What a token gives, and when. Times are in seconds since 1970 (RFC 7519 §2 NumericDate). */
export type Grant = {
  principal: Principal;
  expiresS: number;
  /** The later of `nbf` and `iat`. */
  startsS: number;
};

/**
 * Checks the registered claims (RFC 7519 §4.1) of a token whose signature holds, and reads the
 * principal from the rest. Throws `unauthenticated` for a claim that is missing, for someone else, or of
 * the wrong type. What it gives depends on the token and our configuration alone, so it may be remembered
 * with the signature; `findUntimely` is for every request.
 */
export function readGrant(claims: JsonObject, context: { rules: ClaimRules; kid: string }): Grant {
  const { rules, kid } = context;
  if (claims['iss'] !== rules.issuer || !isForAudience(claims['aud'], rules.audience)) {
    throw refuse('another issuer or audience');
  }
  // RFC 7800: the token is only good together with a proof, and none is checked yet.
  if (Object.hasOwn(claims, 'cnf')) {
    throw refuse('a sender-constrained token');
  }
  const { sub, acr } = claims;
  if (
    typeof sub !== 'string' ||
    !SUBJECT.test(sub) ||
    !(acr === undefined || typeof acr === 'string')
  ) {
    throw refuse('no usable subject, or acr of a wrong type');
  }
  const vaults = find(claims, rules.vaultsClaim);
  const principal: Principal = {
    subject: sub,
    issuer: rules.issuer,
    roles: toStrings(find(claims, rules.rolesClaim)),
    vaults: vaults === '*' ? '*' : toStrings(vaults),
    mfa: provesMfa({ amr: toStrings(claims['amr']), acr, trustedAcr: rules.trustedAcr }),
    credential: `jwt:${kid}`,
  };
  // Many requests share it.
  return { principal: Object.freeze(principal), ...readTimes(claims) };
}

function readTimes(claims: JsonObject): Pick<Grant, 'expiresS' | 'startsS'> {
  const expiresS = toTime(claims['exp']);
  if (expiresS === undefined) {
    throw refuse('without expiry');
  }
  const startsS = Math.max(toTime(claims['nbf']) ?? 0, toTime(claims['iat']) ?? 0);
  return { expiresS, startsS };
}

/** Why the token does not hold now; `undefined` when it does. To be asked for every request. */
export function findUntimely({ expiresS, startsS }: Grant, nowS: number): string | undefined {
  if (nowS >= expiresS + EXPIRY_LEEWAY_S) return 'expired';
  return nowS < startsS - LEEWAY_S ? 'not valid yet' : undefined;
}

/** RFC 7519 §2 NumericDate: seconds, possibly with a fraction. */
function toTime(claim: unknown): number | undefined {
  if (claim === undefined) {
    return undefined;
  }
  if (typeof claim !== 'number' || !(claim >= 0 && claim <= MAX_TIME_S)) {
    throw refuse('a time that is not one');
  }
  return claim;
}

function isForAudience(claim: unknown, audience: string): boolean {
  return typeof claim === 'string' ? claim === audience : toStrings(claim).includes(audience);
}

/** An absent list is empty: it grants nothing. A single string is no list: `"a b"` must not be guessed at. */
function toStrings(claim: unknown): readonly string[] {
  if (claim === undefined) {
    return [];
  }
  if (!Array.isArray(claim) || !claim.every((entry) => typeof entry === 'string')) {
    throw refuse('a claim that is not a list of strings');
  }
  return Object.freeze(claim);
}

function find(claims: JsonObject, name: string): unknown {
  if (Object.hasOwn(claims, name)) {
    return claims[name];
  }
  let found: unknown = claims;
  for (const step of name.split('.')) {
    found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  }
  return found;
}
