import { VaultError } from '../domain/errors.ts';
import { decryptionFailed } from './decryption-failed.ts';

/** A part of a framed text. A number counts as its decimal text: position, not type, gives it meaning. */
export type FramePart = string | number | Uint8Array;

const LENGTH_BYTES = 4;
const BLOCK_BYTES = 16;
const PAD_MARK = 0x80;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The UTF-8 bytes of a text. Refuses lone surrogates (`internal`): they would all become U+FFFD, so
 * that two different texts had the same bytes.
 */
export function utf8(text: string): Buffer {
  if (LONE_SURROGATE.test(text)) {
    throw new VaultError('internal', {
      detail: 'text with a lone surrogate reached the crypto layer',
    });
  }
  return Buffer.from(text, 'utf8');
}

/**
 * Joins parts, each behind its length (u32, big-endian), for associated data and HMAC inputs. Two
 * different lists of parts never give the same bytes, so no part can pass for a piece of its neighbour.
 * Numbers must be safe integers, else `internal`.
 */
export function frame(parts: readonly FramePart[]): Buffer {
  const encoded = parts.map(encodePart);
  const total = encoded.reduce((sum, bytes) => sum + LENGTH_BYTES + bytes.length, 0);
  const framed = Buffer.alloc(total);
  let offset = 0;
  for (const bytes of encoded) {
    offset = framed.writeUInt32BE(bytes.length, offset);
    framed.set(bytes, offset);
    offset += bytes.length;
  }
  return framed;
}

function encodePart(part: FramePart): Uint8Array {
  if (typeof part === 'string') {
    return utf8(part);
  }
  if (typeof part !== 'number') {
    return part;
  }
  if (!Number.isSafeInteger(part)) {
    throw new VaultError('internal', { detail: 'a framed number must be a safe integer' });
  }
  return Buffer.from(String(part), 'latin1');
}

/** Pads to a multiple of 16 bytes: 0x80, then zeros; at least one byte (ISO/IEC 7816-4). A new buffer. */
export function pad(plaintext: Uint8Array): Buffer {
  const padded = Buffer.alloc((Math.floor(plaintext.length / BLOCK_BYTES) + 1) * BLOCK_BYTES);
  padded.set(plaintext);
  padded[plaintext.length] = PAD_MARK;
  return padded;
}

/** Undoes `pad`: a view into `padded`, not a copy. Throws the one decryption error when malformed. */
export function unpad(padded: Buffer): Buffer {
  const mark = padded.findLastIndex((byte) => byte !== 0);
  const tooLong = padded.length - mark > BLOCK_BYTES;
  if (padded.length % BLOCK_BYTES !== 0 || padded[mark] !== PAD_MARK || tooLong) {
    throw decryptionFailed();
  }
  return padded.subarray(0, mark);
}
