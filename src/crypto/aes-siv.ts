import { aessiv } from '@noble/ciphers/aes.js';

const TAG_BYTES = 16;

/** `key`: 64 bytes, for AES-256 in both halves (RFC 5297 §2.2); it is neither kept nor changed. */
type Message = { key: Uint8Array; aad: Uint8Array };

/** AES-SIV without a nonce (RFC 5297 §2.6, one string of associated data): SIV[16] ‖ ciphertext. */
export function aesSivSeal({ key, aad, plaintext }: Message & { plaintext: Uint8Array }): Buffer {
  return Buffer.from(aessiv(key, aad).encrypt(plaintext));
}

/** Opens what `aesSivSeal` made (RFC 5297 §2.7); `undefined` for everything else. */
export function aesSivOpen({
  key,
  aad,
  sealed,
}: Message & { sealed: Uint8Array }): Buffer | undefined {
  if (sealed.length < TAG_BYTES) {
    return undefined;
  }
  try {
    return Buffer.from(aessiv(key, aad).decrypt(sealed));
  } catch {
    // The library has no other way to say that the tag is wrong; it has wiped the plaintext.
    return undefined;
  }
}
