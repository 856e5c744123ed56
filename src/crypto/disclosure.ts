import { VaultError } from '../domain/errors.ts';
import { sha256Base64url } from './digest.ts';
import type { RandomBytes } from './random.ts';

const SALT_BYTES = 16;

/** A selectively disclosable claim: the text that reveals it, and the digest that stands in its place. */
export type Disclosure = { disclosure: string; digest: string };

/**
 * Makes an SD-JWT disclosure of an object member (RFC 9901 §4.2.1): base64url of the JSON array
 * [salt, name, value] with a 128-bit salt, so that the digest tells nothing of a guessable value. Throws
 * `internal` when the value has no JSON form.
 */
export function disclose(name: string, value: unknown, random: RandomBytes): Disclosure {
  // JSON would write an absent value as null, and the event would say what nobody said.
  if (value === undefined) {
    throw new VaultError('internal', { detail: 'a disclosure needs a value' });
  }
  const salt = random(SALT_BYTES).toString('base64url');
  const disclosure = Buffer.from(JSON.stringify([salt, name, value]), 'utf8').toString('base64url');
  return { disclosure, digest: disclosureDigest(disclosure) };
}

/** base64url(SHA-256(ASCII(disclosure))) (RFC 9901 §4.2.3). */
export function disclosureDigest(disclosure: string): string {
  return sha256Base64url(disclosure);
}
