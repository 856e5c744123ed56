import { decryptionFailed } from './decryption-failed.ts';
import { pad, unpad } from './framing.ts';
import { randomBytes } from './random.ts';
import { XAES_NONCE_BYTES, XAES_TAG_BYTES, type XaesKey, xaesOpen, xaesSeal } from './xaes.ts';

// Sealed bytes (DESIGN §7): 0x01 ‖ u32be key version ‖ nonce[24] ‖ ciphertext ‖ tag[16].
const FORMAT = 0x01;
const VERSION_AT = 1;
const NONCE_AT = 5;
const CIPHERTEXT_AT = NONCE_AT + XAES_NONCE_BYTES;
const MIN_BYTES = CIPHERTEXT_AT + XAES_TAG_BYTES;

/**
 * Seals padded plaintext under one version of a key. Lengths within a block of 16 bytes look alike.
 * The version in front needs no place in `aad`: another version is another key, under which nothing opens.
 */
export function seal(message: {
  version: number;
  key: XaesKey;
  plaintext: Uint8Array;
  aad: Uint8Array;
}): Buffer {
  const nonce = randomBytes(XAES_NONCE_BYTES);
  const padded = pad(message.plaintext);
  const header = Buffer.alloc(NONCE_AT, FORMAT);
  header.writeUInt32BE(message.version, VERSION_AT);
  const body = xaesSeal({ key: message.key, nonce, plaintext: padded, aad: message.aad });
  padded.fill(0);
  return Buffer.concat([header, nonce, body]);
}

/**
 * Opens sealed bytes. Throws the one decryption error for every cause.
 *
 * @param message.keyOf the key of a version, `undefined` when there is none
 * @returns the plaintext, in memory that the caller should wipe
 */
export function open(message: {
  sealed: Buffer;
  keyOf: (version: number) => XaesKey | undefined;
  aad: Uint8Array;
}): Buffer {
  const { sealed, aad } = message;
  if (sealed.length < MIN_BYTES || sealed[0] !== FORMAT) {
    throw decryptionFailed();
  }
  const key = message.keyOf(sealed.readUInt32BE(VERSION_AT));
  if (key === undefined) {
    throw decryptionFailed();
  }
  const nonce = sealed.subarray(NONCE_AT, CIPHERTEXT_AT);
  return unpad(xaesOpen({ key, nonce, sealed: sealed.subarray(CIPHERTEXT_AT), aad }));
}
