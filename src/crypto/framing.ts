import { VaultError } from '../domain/errors.ts';
import { decryptionFailed } from './decryption-failed.ts';

/** A part of a framed text. A number counts as its decimal text: position, not type, gives it meaning. */
export type FramePart = string | number | Uint8Array;

const LENGTH_BYTES = 4;
const BLOCK_BYTES = 16;
const PAD_MARK = 0x80;
const NO_BYTES = Buffer.alloc(0);

/**
 * The UTF-8 bytes of a text. Refuses lone surrogates (`internal`): they would all become U+FFFD, so
 * that two different texts had the same bytes.
 */
export function utf8(text: string): Buffer {
  checkWellFormed(text);
  return Buffer.from(text, 'utf8');
}

/** Refuses, as `utf8` does, a text that has no UTF-8 form of its own. */
export function checkWellFormed(text: string): void {
  if (!text.isWellFormed()) {
    throw new VaultError('internal', {
      detail: 'text with a lone surrogate reached the crypto layer',
    });
  }
}

/**
 * Joins parts, each behind its length (u32, big-endian), for associated data and HMAC inputs. Two
 * different lists of parts never give the same bytes, so no part can pass for a piece of its neighbour.
 * Numbers must be safe integers, else `internal`.
 *
 * @param head what `frame` made of the parts in front of these: what many frames begin with is framed once
 */
export function frame(parts: readonly FramePart[], head: Uint8Array = NO_BYTES): Buffer {
  const framed = Buffer.allocUnsafe(frameLength(parts, head));
  writeFrame(framed, { parts, head, offset: 0 });
  return framed;
}

/** How many bytes `frame` makes of these parts. Refuses what it refuses. */
export function frameLength(parts: readonly FramePart[], head: Uint8Array = NO_BYTES): number {
  // Measured first and written in place: a buffer for each part cost as much as the rest together, and this
  // runs ten times on every request.
  let total = head.length;
  for (const part of parts) {
    total += LENGTH_BYTES + byteLength(part);
  }
  return total;
}

/** As `frame`, to a place in `target` that has room for `frameLength`. */
export function writeFrame(
  target: Buffer,
  frame: { parts: readonly FramePart[]; head?: Uint8Array | undefined; offset: number },
): void {
  const { parts, head = NO_BYTES } = frame;
  target.set(head, frame.offset);
  let offset = frame.offset + head.length;
  for (const part of parts) {
    const start = offset + LENGTH_BYTES;
    const end = start + writePart(target, part, start);
    target.writeUInt32BE(end - start, offset);
    offset = end;
  }
}

/** How many bytes a part has in a frame. Refuses what has no form of its own there. */
function byteLength(part: FramePart): number {
  if (typeof part === 'string') {
    checkWellFormed(part);
    return Buffer.byteLength(part);
  }
  if (typeof part !== 'number') {
    return part.length;
  }
  if (!Number.isSafeInteger(part)) {
    throw new VaultError('internal', { detail: 'a framed number must be a safe integer' });
  }
  return String(part).length;
}

/** Gives how many bytes it wrote. */
function writePart(target: Buffer, part: FramePart, offset: number): number {
  if (typeof part === 'string' || typeof part === 'number') {
    return target.write(String(part), offset);
  }
  target.set(part, offset);
  return part.length;
}

/** What `length` bytes become by padding: the next multiple of 16 (ISO/IEC 7816-4). */
export function paddedLength(length: number): number {
  return (Math.floor(length / BLOCK_BYTES) + 1) * BLOCK_BYTES;
}

/** Pads the first `length` bytes in place, up to `paddedLength`: 0x80, then zeros (ISO/IEC 7816-4). */
export function pad(bytes: Buffer, length: number): void {
  bytes[length] = PAD_MARK;
  const end = paddedLength(length);
  // At most 15 bytes: a call of `fill` takes longer.
  for (let i = length + 1; i < end; i += 1) {
    bytes[i] = 0;
  }
}

/** Undoes `pad`: a view into `padded`, not a copy. Throws the one decryption error when malformed. */
export function unpad(padded: Buffer): Buffer {
  let mark = padded.length - 1;
  while (mark >= 0 && padded[mark] === 0) {
    mark -= 1;
  }
  const tooLong = padded.length - mark > BLOCK_BYTES;
  if (padded.length % BLOCK_BYTES !== 0 || padded[mark] !== PAD_MARK || tooLong) {
    throw decryptionFailed();
  }
  return padded.subarray(0, mark);
}
