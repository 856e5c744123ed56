import { CROCKFORD, CROCKFORD_LENGTH, drawCrockford } from './crockford.ts';
import type { TokenFormat } from './format.ts';
import { unfitValue } from './unfit.ts';

/** RFC 2606 §2: never a host of anybody. */
export const NO_DOMAIN = 'token.invalid';

const MAX_ADDRESS = 254;
/** What fits behind the local part and the @ (RFC 5321 §4.5.3.1.3). */
export const MAX_TOKEN_DOMAIN = MAX_ADDRESS - CROCKFORD_LENGTH - 1;

const LOCAL = new RegExp(`^[${CROCKFORD}]{${CROCKFORD_LENGTH}}$`);
/** Domains as they are in normal forms of addresses. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a domain that tokens can be given: lower case, two labels or more. */
export function isTokenDomain(text: string): boolean {
  return text.length <= MAX_TOKEN_DOMAIN && DOMAIN.test(text);
}

/** Format `email`: 130 random bits before the @. `domain` is the one behind it, or absent: the value's own. */
export function makeEmailFormat(domain: string | undefined): Omit<TokenFormat, 'shape'> {
  const capacity = BigInt(CROCKFORD.length) ** BigInt(CROCKFORD_LENGTH);
  return {
    kind: 'email',
    isSmall: false,
    capacity,
    matches: (text) => {
      const at = text.indexOf('@');
      const host = text.slice(at + 1);
      return (
        LOCAL.test(text.slice(0, Math.max(at, 0))) &&
        (domain === undefined ? isTokenDomain(host) : host === domain)
      );
    },
    spaceOf: (value) => {
      const host = domain ?? value.slice(value.lastIndexOf('@') + 1);
      if (host.length > MAX_TOKEN_DOMAIN) {
        throw unfitValue('too_long_for_format');
      }
      const after = `@${host}`;
      return {
        kept: domain === undefined ? host : '',
        capacity,
        draw: (random, shard) => drawCrockford({ before: '', after, shard, random }),
      };
    },
  };
}
