import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { SecretKey } from './secret.ts';

/** SHA-256 over the concatenation of the parts (text as UTF-8). 32 bytes. Unkeyed: never of a value. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest();
}

/** As `sha256`, in lower-case hex. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  return sha256(...parts).toString('hex');
}

/** HMAC-SHA-256 (RFC 2104, FIPS 198-1). 32 bytes. `key` is a `SecretKey`. */
export function hmacSha256(key: Pick<SecretKey, 'keyObject'>, data: Uint8Array): Buffer {
  return createHmac('sha256', key.keyObject()).update(data).digest();
}

type Derivation = { key: SecretKey; salt?: Uint8Array; info: Uint8Array };

/** HKDF-SHA-256 (RFC 5869) to a new 256-bit key. `info` says what the key is for: frame it. */
export function hkdfSha256(input: Derivation): SecretKey {
  return SecretKey.take(hkdfSha256Bytes({ ...input, length: 32 }));
}

/** As `hkdfSha256`, to `length` bytes, for what takes no key object. Wipe them after use. */
export function hkdfSha256Bytes(input: Derivation & { length: number }): Buffer {
  const { key, salt = new Uint8Array(0), info, length } = input;
  return Buffer.from(hkdfSync('sha256', key.keyObject(), salt, info, length));
}

/**
 * Compares two secrets in time that depends on their lengths only. Both are hashed first: the
 * comparison always runs over 32 bytes, whatever an attacker sends (Node's own HMAC check once was a
 * memcmp: CVE-2026-21713).
 */
export function constantTimeEqual(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}
