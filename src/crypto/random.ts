import { randomFillSync } from 'node:crypto';

/** Draws `length` random bytes into a buffer that belongs to the caller alone. */
export type RandomBytes = (length: number) => Buffer;

/** Randomness out of one block. */
type Randomness = {
  bytes: RandomBytes;
  /** Draws `length` random bytes to a place in the caller's buffer: spares what is drawn for a single use its memory. */
  into(target: Buffer, offset: number, length: number): void;
};

/**
 * Randomness in blocks: one call of the system's generator serves thousands of small draws (a call of
 * `randomBytes` for 24 bytes costs 2 µs). No byte is handed out twice, and what was handed out is wiped
 * from the block, so that a later look at memory does not tell earlier tokens or nonces.
 *
 * @param options.blockBytes size of the block in bytes; longer draws bypass it
 * @param options.fill fills a buffer with random bytes, or throws; then nothing is handed out
 */
export function makeRandom(
  options: { blockBytes?: number; fill?: (target: Buffer) => unknown } = {},
): Randomness {
  const { blockBytes = 65_536, fill = randomFillSync } = options;
  const block = Buffer.allocUnsafeSlow(blockBytes);
  let offset = blockBytes;

  const into = (target: Buffer, at: number, length: number): void => {
    if (!(at >= 0 && length >= 0 && at + length <= target.length)) {
      throw new RangeError('random bytes do not fit in their place');
    }
    if (length > blockBytes) {
      fill(target.subarray(at, at + length));
      return;
    }
    if (length > blockBytes - offset) {
      // The rest of the block is thrown away. `offset` moves only after a fill that succeeded: a
      // failed one leaves the block used up, not half old.
      offset = blockBytes;
      fill(block);
      offset = 0;
    }
    // Byte by byte: for the draws of every request, 12 to 24 bytes, calls of `copy` and `fill` cost three times
    // as much.
    for (let i = 0; i < length; i += 1) {
      target[at + i] = block.readUInt8(offset + i);
      block[offset + i] = 0;
    }
    offset += length;
  };

  return {
    into,
    bytes(length) {
      // Not from Node's shared pool: wiping or leaking `.buffer` then touches nobody else's bytes.
      const drawn = Buffer.allocUnsafeSlow(length);
      into(drawn, 0, length);
      return drawn;
    },
  };
}

/** The process's generator. Each worker thread has its own block. */
export const { bytes: randomBytes, into: randomInto } = makeRandom();
