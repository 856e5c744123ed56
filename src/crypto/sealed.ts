import { decryptionFailed } from './decryption-failed.ts';
import { checkWellFormed, pad, paddedLength, unpad } from './framing.ts';
import { XAES_NONCE_BYTES, XAES_TAG_BYTES, type XaesKey, xaesOpen, xaesSeal } from './xaes.ts';

// Sealed bytes (DESIGN §7): 0x01 ‖ u32be key version ‖ nonce[24] ‖ ciphertext ‖ tag[16].
const FORMAT = 0x01;
const VERSION_AT = 1;
const NONCE_AT = 5;
const MIN_BYTES = NONCE_AT + XAES_NONCE_BYTES + XAES_TAG_BYTES;

/**
 * Where plaintext is padded: one place that is wiped after each use, instead of memory for each message,
 * which costs 1 µs with its garbage collection. Longer plaintext gets memory of its own.
 */
const workplace = Buffer.allocUnsafeSlow(8_192);

/**
 * Seals padded plaintext (text as UTF-8) under one version of a key. Lengths within a block of 16 bytes look
 * alike. The version in front needs no place in `aad`: another version is another key, under which nothing
 * opens. Throws `internal` for text with lone surrogates.
 */
export function seal(message: {
  version: number;
  key: XaesKey;
  plaintext: string | Uint8Array;
  aad: Uint8Array;
}): Buffer {
  const { version, key, plaintext, aad } = message;
  return withPadded(plaintext, (padded) => {
    const sealed = Buffer.allocUnsafe(MIN_BYTES + padded.length);
    sealed[0] = FORMAT;
    sealed.writeUInt32BE(version, VERSION_AT);
    key.drawNonce(sealed, NONCE_AT);
    xaesSeal({ key, plaintext: padded, aad, target: sealed, offset: NONCE_AT });
    return sealed;
  });
}

/** Lends the padded plaintext to `work`, and wipes it after. */
function withPadded<T>(plaintext: string | Uint8Array, work: (padded: Buffer) => T): T {
  const isText = typeof plaintext === 'string';
  const length = isText ? Buffer.byteLength(plaintext) : plaintext.length;
  const total = paddedLength(length);
  const padded =
    total > workplace.length ? Buffer.allocUnsafeSlow(total) : workplace.subarray(0, total);
  try {
    if (isText) {
      checkWellFormed(plaintext);
      padded.write(plaintext);
    } else {
      padded.set(plaintext);
    }
    pad(padded, length);
    return work(padded);
  } finally {
    padded.fill(0);
  }
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
  return unpad(xaesOpen({ key, sealed, aad, offset: NONCE_AT }));
}
