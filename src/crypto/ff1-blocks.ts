import type { Cipheriv } from 'node:crypto';

const BLOCK_BYTES = 16;

/** A computation that yields blocks of 16 bytes, and gets each one back encrypted before it goes on. */
export type WithBlocks<Result> = Generator<Buffer, Result, Buffer>;

/**
 * Runs computations side by side: one call encrypts the next block of every one that is not done, because the
 * call costs far more than a block (measured: 2 µs against 0.02 µs). `aes` is in ECB mode without padding,
 * which keeps no state: no block has a bearing on another. Results in the order of the computations.
 */
export function encryptTogether<Result>(
  aes: Cipheriv,
  computations: readonly WithBlocks<Result>[],
): Result[] {
  const results: Result[] = [];
  let waiting: { index: number; computation: WithBlocks<Result>; block: Buffer }[] = [];
  const resume = (index: number, computation: WithBlocks<Result>, encrypted: Buffer): void => {
    const { done, value } = computation.next(encrypted);
    if (done) {
      results[index] = value;
    } else {
      waiting.push({ index, computation, block: value });
    }
  };

  // A computation that has not begun ignores what it is given.
  for (const [index, computation] of computations.entries()) {
    resume(index, computation, Buffer.alloc(0));
  }
  while (waiting.length > 0) {
    const served = waiting;
    waiting = [];
    const encrypted = aes.update(Buffer.concat(served.map(({ block }) => block)));
    for (const [n, { index, computation }] of served.entries()) {
      const block = encrypted.subarray(n * BLOCK_BYTES, (n + 1) * BLOCK_BYTES);
      resume(index, computation, block);
    }
  }
  return results;
}
