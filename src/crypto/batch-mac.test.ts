import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchMac, bootMacKey, type PendingBatch } from './batch-mac.ts';
import { SecretKey } from './secret.ts';

const auditMac = (n = 1) => SecretKey.take(Buffer.alloc(32, n));
const BATCH: PendingBatch = {
  day: '2026-11-22',
  logId: 1,
  bootId: '0f2c1c9e-6a5e-4a52-8f0a-0123456789ab',
  firstSeq: 12n,
  count: 3,
  leaves: Buffer.from('leaves'),
  who: Buffer.from('who'),
  what: Buffer.from('what'),
};
/** By the version that had no terms. */
const V1_MAC = 'd56a65788c83301abd0bc2bf6ecea902a56862f70622e8f7eb592c199bb1fc09';
const macOf = (batch: PendingBatch, n = 1) =>
  batchMac(bootMacKey(auditMac(n), BATCH.bootId), batch).toString('hex');

test('the MAC of a batch changes with every column', () => {
  const others: PendingBatch[] = [
    { ...BATCH, day: '2026-11-23' },
    { ...BATCH, logId: 2 },
    { ...BATCH, bootId: '1f2c1c9e-6a5e-4a52-8f0a-0123456789ab' },
    { ...BATCH, firstSeq: 13n },
    { ...BATCH, firstSeq: 1n, count: 23 },
    { ...BATCH, firstSeq: 2n ** 60n },
    { ...BATCH, firstSeq: 2n ** 60n + 1n },
    { ...BATCH, count: 4 },
    { ...BATCH, leaves: Buffer.from('leavesw') },
    { ...BATCH, leaves: Buffer.from('leavesw'), who: Buffer.from('ho') },
    { ...BATCH, who: Buffer.from('what'), what: Buffer.from('who') },
    { ...BATCH, what: Buffer.alloc(0) },
    { ...BATCH, terms: Buffer.alloc(0) },
    { ...BATCH, terms: Buffer.from('terms') },
    { ...BATCH, what: Buffer.from('terms'), terms: Buffer.from('what') },
  ];
  const macs = new Set([BATCH, ...others].map((batch) => macOf(batch)));
  assert.equal(macs.size, others.length + 1);
  assert.equal(macOf({ ...BATCH }), macOf(BATCH));
});

test('each process start and each audit key has a MAC key of its own', () => {
  const keys = [
    bootMacKey(auditMac(), 'boot-1'),
    bootMacKey(auditMac(), 'boot-2'),
    bootMacKey(auditMac(2), 'boot-1'),
    auditMac(),
  ];
  assert.equal(new Set(keys.map((key) => key.keyObject().export().toString('hex'))).size, 4);
  assert.notEqual(macOf(BATCH, 2), macOf(BATCH));
});

test('a batch of an earlier version keeps the MAC that it was stored with', () => {
  assert.equal(macOf(BATCH), macOf({ ...BATCH, terms: undefined }));
  assert.equal(macOf(BATCH), V1_MAC);
});

test('every boot id has its own key under every key, however many there were before', () => {
  const keys = [auditMac(1), auditMac(2)];
  const idOf = (index: number) => `boot-${index}`;
  const macs = () =>
    keys.flatMap((key) =>
      Array.from({ length: 300 }, (_, index) =>
        batchMac(bootMacKey(key, idOf(index)), BATCH).toString('hex'),
      ),
    );
  const first = macs();
  assert.equal(new Set(first).size, 600);
  assert.deepEqual(macs(), first);
  // As a process derives it that never did before.
  const fresh = batchMac(bootMacKey(auditMac(1), idOf(7)), BATCH).toString('hex');
  assert.equal(first[7], fresh);
});
