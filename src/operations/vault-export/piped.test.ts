import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piped, type Write } from './piped.ts';

const CHUNK = Buffer.from('chunk');

test('nothing runs before it is read, and never far ahead of its reader', async () => {
  let written = 0;
  const source = piped(async (write) => {
    for (let n = 0; n < 20; n += 1) {
      written += 1;
      await write(CHUNK);
    }
  });
  assert.equal(written, 0);
  let read = 0;
  for await (const chunk of source) {
    assert.equal(chunk, CHUNK);
    read += 1;
    assert.ok(written <= read + 2);
  }
  assert.deepEqual([read, written], [20, 20]);
});

test('a failure reaches the reader behind what was written before it', async () => {
  const source = piped(async (write) => {
    await write(CHUNK);
    throw new Error('broken');
  });
  assert.deepEqual(await source.next(), { value: CHUNK, done: false });
  await assert.rejects(source.next(), /broken/);
});

test('a reader who leaves makes the next write fail, and waits until the work has ended', async () => {
  let isEnded = false;
  const endless = async (write: Write) => {
    try {
      for (;;) await write(CHUNK);
    } finally {
      await new Promise((resolve) => setImmediate(resolve));
      isEnded = true;
    }
  };
  for await (const _chunk of piped(endless)) break;
  assert.ok(isEnded);
});
