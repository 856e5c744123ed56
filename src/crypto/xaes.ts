import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
  type KeyObject,
} from 'node:crypto';
import { VaultError } from '../domain/errors.ts';
import { decryptionFailed } from './decryption-failed.ts';
import type { SecretKey } from './secret.ts';

/** XAES-256-GCM nonce: 192 random bits, so no message counting (C2SP XAES-256-GCM). */
export const XAES_NONCE_BYTES = 24;
export const XAES_TAG_BYTES = 16;

const BLOCK_BYTES = 16;
/** How much of the nonce selects the derived key; the rest is the AES-GCM nonce. */
const DERIVE_BYTES = 12;

/** A key ready for use. Opaque: everything secret is in the closure. */
export type XaesKey = {
  /** The one-message AES-256-GCM key of a 24-byte nonce. */
  derive(nonce: Uint8Array): KeyObject;
};

/**
 * Precomputes what all messages of a key share (C2SP XAES-256-GCM): L = AES-256(K, 0^128), and K1 = L
 * doubled in GF(2^128), as in CMAC.
 */
export function makeXaesKey(key: SecretKey): XaesKey {
  // One cipher object serves all derivations: ECB without padding keeps no state between blocks, and
  // making it anew costs three times the encryption (measured 2.1 µs against 0.6 µs).
  const aes = createCipheriv('aes-256-ecb', key.keyObject(), null).setAutoPadding(false);
  const k1 = double(aes.update(Buffer.alloc(BLOCK_BYTES)));
  return { derive: (nonce) => deriveKey(aes, k1, nonce) };
}

/** Shifts left by one bit; the bit that falls out folds back as x^7 + x^2 + x + 1. Without branches. */
function double(block: Buffer): Buffer {
  const out = Buffer.alloc(BLOCK_BYTES);
  let carry = 0;
  for (let i = BLOCK_BYTES - 1; i >= 0; i -= 1) {
    const byte = block.readUInt8(i);
    out.writeUInt8(((byte << 1) | carry) & 0xff, i);
    carry = byte >>> 7;
  }
  out.writeUInt8(out.readUInt8(BLOCK_BYTES - 1) ^ (-carry & 0x87), BLOCK_BYTES - 1);
  block.fill(0);
  return out;
}

/** K_x = AES(K, M1 ⊕ K1) ‖ AES(K, M2 ⊕ K1), with Mi = 0x00 ‖ i ‖ 'X' ‖ 0x00 ‖ N[:12]. */
function deriveKey(aes: Cipheriv, k1: Buffer, nonce: Uint8Array): KeyObject {
  const blocks = Buffer.alloc(2 * BLOCK_BYTES);
  for (let i = 0; i < 2; i += 1) {
    const start = i * BLOCK_BYTES;
    blocks.set([0x00, i + 1, 0x58, 0x00], start);
    blocks.set(nonce.subarray(0, DERIVE_BYTES), start + BLOCK_BYTES - DERIVE_BYTES);
    for (let j = 0; j < BLOCK_BYTES; j += 1) {
      blocks[start + j] = blocks.readUInt8(start + j) ^ k1.readUInt8(j);
    }
  }
  const derived = aes.update(blocks);
  try {
    return createSecretKey(derived);
  } finally {
    derived.fill(0);
    blocks.fill(0);
  }
}

type Message = { key: XaesKey; nonce: Uint8Array; aad: Uint8Array };

/**
 * Seals with XAES-256-GCM (C2SP). A nonce must never serve two messages of one key: draw 24 random
 * bytes each time.
 *
 * @returns ciphertext ‖ tag[16]
 */
export function xaesSeal({
  key,
  nonce,
  plaintext,
  aad,
}: Message & { plaintext: Uint8Array }): Buffer {
  if (nonce.length !== XAES_NONCE_BYTES) {
    throw new VaultError('internal', { detail: 'an XAES nonce must have 24 bytes' });
  }
  const cipher = createCipheriv('aes-256-gcm', key.derive(nonce), nonce.subarray(DERIVE_BYTES), {
    authTagLength: XAES_TAG_BYTES,
  }).setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `xaesSeal` made. Throws the one decryption error; unauthenticated plaintext is wiped. */
export function xaesOpen({ key, nonce, sealed, aad }: Message & { sealed: Uint8Array }): Buffer {
  const tagStart = sealed.length - XAES_TAG_BYTES;
  if (tagStart < 0 || nonce.length !== XAES_NONCE_BYTES) {
    throw decryptionFailed();
  }
  const decipher = createDecipheriv(
    'aes-256-gcm',
    key.derive(nonce),
    nonce.subarray(DERIVE_BYTES),
    {
      authTagLength: XAES_TAG_BYTES,
    },
  )
    .setAAD(aad)
    .setAuthTag(sealed.subarray(tagStart));
  const plaintext = decipher.update(sealed.subarray(0, tagStart));
  if (!isAuthentic(decipher)) {
    plaintext.fill(0);
    throw decryptionFailed();
  }
  return plaintext;
}

function isAuthentic(decipher: Decipheriv): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}
