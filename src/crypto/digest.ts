import { createHash, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { FramePart } from './framing.ts';
import { SecretKey } from './secret.ts';

/** SHA-256 over the concatenation of the parts (text as UTF-8). 32 bytes. Unkeyed: never of a value. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const [first = '', ...others] = parts;
  if (others.length === 0) {
    return bytesOf(hash('sha256', first, 'latin1'));
  }
  const running = createHash('sha256').update(first);
  for (const part of others) {
    running.update(part);
  }
  return bytesOf(running.digest('latin1'));
}

/** As `sha256` of one text, in base64url. */
export function sha256Base64url(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** As `sha256`, in lower-case hex. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  return sha256(...parts).toString('hex');
}

/** HMAC-SHA-256 (RFC 2104, FIPS 198-1). 32 bytes. */
export function hmacSha256(key: SecretKey, data: Uint8Array): Buffer {
  return bytesOf(key.hmac().digest(data));
}

/** `hmacSha256` over what `frame` makes of the parts, of which it leaves nothing in memory. */
export function hmacFrame(key: SecretKey, parts: readonly FramePart[], head?: Uint8Array): Buffer {
  return bytesOf(key.hmac().digestFrame(parts, head));
}

/**
 * A digest from the text with a character for each byte. A digest that OpenSSL gives as bytes has memory of its
 * own, whose allocation costs 1 µs and as much again of garbage collection; the text and its copy in Node's
 * pool cost a fifth.
 */
function bytesOf(digest: string): Buffer {
  return Buffer.from(digest, 'latin1');
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
