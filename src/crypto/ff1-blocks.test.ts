import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import { encryptTogether, type WithBlocks } from './ff1-blocks.ts';

const makeAes = () =>
  createCipheriv('aes-256-ecb', Buffer.alloc(32, 4), null).setAutoPadding(false);

function* timesOver(seed: number, times: number): WithBlocks<string> {
  let block = Buffer.alloc(16, seed);
  for (let n = 0; n < times; n += 1) block = Buffer.from(yield block);
  return `${seed}:${block.toString('hex')}`;
}

test('computations of any length get what they would get alone, in their own order', () => {
  const lengths = [3, 0, 1, 7, 7, 0, 2];
  const alone = lengths.flatMap((times, seed) =>
    encryptTogether(makeAes(), [timesOver(seed, times)]),
  );
  assert.deepEqual(
    encryptTogether(
      makeAes(),
      lengths.map((times, seed) => timesOver(seed, times)),
    ),
    alone,
  );
  assert.equal(alone[2], `2:${makeAes().update(Buffer.alloc(16, 2)).toString('hex')}`);
  assert.deepEqual(encryptTogether(makeAes(), []), []);
});
