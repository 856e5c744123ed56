import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { CRC_START, crcEnd, crcText, shardOf } from './shard.ts';

test('is the CRC-32 that everybody has: check value cbf43926', () => {
  assert.equal(crcEnd(crcText(CRC_START, '123456789')), 0xcbf43926);
  assert.equal(shardOf('123456789'), 0x26);
  assert.equal(shardOf(''), 0);
});

test('agrees with zlib on every text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(crcEnd(crcText(CRC_START, text)), crc32(text));
      assert.equal(shardOf(text), crc32(text) % 256);
    }),
  );
});

test('can be continued where it stopped', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (head, tail) => {
      assert.equal(crcEnd(crcText(crcText(CRC_START, head), tail)), crc32(head + tail));
    }),
  );
});
