import { createPrivateKey, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** Lengths of RFC 8032 §5.1: public key and seed, and signature. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

// The DER of RFC 8410 around the 32 bytes, up to where they start.
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The public key of these 32 bytes. Whether they are a point of the curve shows when verifying. */
export function importPublicKey(bytes: Uint8Array): KeyObject {
  const key = Buffer.concat([SPKI_PREFIX, bytes]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** The private key of this 32-byte seed. */
export function importSeed(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** The 32-byte public key of a private or public key. */
export function publicKeyBytes(key: KeyObject): Buffer {
  const spki = key.type === 'private' ? createPublicKey(key) : key;
  return spki.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

/** The 32-byte seed of a private key. */
export function seedBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length);
}

/** Whether these 64 bytes are the key's signature on the message (RFC 8032 §5.1.7). */
export function isSignature(claim: {
  key: KeyObject;
  message: Uint8Array;
  signature: Uint8Array;
}): boolean {
  return verify(undefined, claim.message, claim.key, claim.signature);
}
