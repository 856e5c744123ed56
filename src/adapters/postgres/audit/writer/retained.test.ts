import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Batch } from './batch.ts';
import { makeRetained } from './retained.ts';

const makeBatch = (byte: number): Batch => ({
  day: '2026-01-01',
  logId: 1,
  bootId: 'AAAAAAAAAAAAAAAAAAAAAA',
  firstSeq: BigInt(byte),
  count: 2,
  leaves: Buffer.alloc(5, byte),
  who: Buffer.alloc(4, byte),
  what: Buffer.alloc(3, byte),
  terms: Buffer.alloc(2, byte),
  mac: Buffer.alloc(32, byte),
});

it('keeps batches as they were, whatever becomes of the bytes that they came in', () => {
  const retained = makeRetained({ monotonic: () => 0 });
  for (const batch of [makeBatch(1), { ...makeBatch(2), terms: undefined }]) {
    retained.keep(batch);
    for (const bytes of [batch.leaves, batch.who, batch.what, batch.mac]) bytes.fill(0);
  }
  assert.deepEqual(
    [...retained.all()].map(({ batch }) => batch),
    [makeBatch(1), { ...makeBatch(2), terms: undefined }],
  );
});

it('counts what it keeps, and counts nothing twice that is released twice', () => {
  const retained = makeRetained({ monotonic: () => 0 });
  for (const byte of [1, 2]) retained.keep(makeBatch(byte));
  const [first] = retained.all();
  assert.ok(first);
  retained.release(first, 'lost');
  retained.release(first, 'lost');
  assert.deepEqual(
    [retained.batches(), retained.events(), retained.bytes(), retained.lost()],
    [1, 2, 46, 1],
  );
  assert.deepEqual([...retained.all()].at(0)?.batch, makeBatch(2));
});

it('keeps batches apart, whatever is released around them', () => {
  const retained = makeRetained({ monotonic: () => 0 });
  const size = 100 * 1024;
  const large = (n: number): Batch => ({
    ...makeBatch(n),
    bootId: `writer-${n % 3}`,
    leaves: Buffer.alloc(size + n, n),
  });
  let seed = 1;
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let n = 0; n < 400; n += 1) {
    retained.keep(large(n % 250));
    const all = [...retained.all()];
    const victim = all.length > 20 ? all[next(all.length)] : undefined;
    if (victim !== undefined) retained.release(victim, 'integrated');
  }
  const left = [...retained.all()];
  assert.equal(left.length, 20);
  for (const { batch } of left) assert.deepEqual(batch, large(Number(batch.firstSeq)));
});
