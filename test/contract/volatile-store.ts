import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { VolatileStore, VolatileToken } from '../../src/operations/ports/volatile-store.ts';

/**
 * A store under test. `now` is the time by the store's own clock, in epoch milliseconds; `pass` lets that much
 * time go by for it, really or not.
 */
export type VolatileStoreUnderTest = {
  store: VolatileStore;
  now(): number;
  pass(ms: number): Promise<void>;
};

/** Short enough to be waited for where time cannot be made to pass. */
const SHORT_LIFE_MS = 1_500;

/** What every store of volatile values must do; see the comments of the port. */
export function runVolatileStoreContract(
  name: string,
  make: () => Promise<VolatileStoreUnderTest>,
): void {
  let under: VolatileStoreUnderTest;
  const get = () => under;
  describe(`volatile store contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.store.close());
    keepingContract(get);
    endingContract(get);
    revealsContract(get);
  });
}

/** A value that nobody else has, kept for `lifeMs`. */
export function volatileRow(
  nowMs: number,
  { lifeMs = 60_000, ...more }: Partial<VolatileToken> & { lifeMs?: number } = {},
): VolatileToken {
  return {
    vaultId: 1,
    token: `cvv_${randomBytes(13).toString('hex')}`,
    fieldId: 3,
    sealed: randomBytes(77),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + lifeMs,
    ...more,
  };
}

type Get = () => VolatileStoreUnderTest;

function keepingContract(get: Get): void {
  it('finds what was put, with every member', async () => {
    const { store, now } = get();
    const plain = volatileRow(now());
    const full = volatileRow(now(), { metadata: randomBytes(93) });
    for (const row of [plain, full]) {
      assert.equal(await store.put(row), true);
      assert.deepEqual(await store.find(row), row);
    }
  });

  it('does not find a token of another vault, nor one that never was', async () => {
    const { store, now } = get();
    const row = volatileRow(now());
    await store.put(row);
    assert.equal(await store.find({ ...row, vaultId: 2 }), undefined);
    assert.equal(await store.find(volatileRow(now())), undefined);
  });

  it('keeps the first of two values under one token, whoever races', async () => {
    const { store, now } = get();
    const { token } = volatileRow(now());
    const racers = Array.from({ length: 16 }, () => volatileRow(now(), { token }));
    const puts = await Promise.all(racers.map((row) => store.put(row)));
    assert.equal(puts.filter(Boolean).length, 1);
    assert.deepEqual(await store.find({ vaultId: 1, token }), racers[puts.indexOf(true)]);
  });
}

function endingContract(get: Get): void {
  it('forgets a value when its time is over', async () => {
    const { store, now, pass } = get();
    const row = volatileRow(now(), { lifeMs: SHORT_LIFE_MS });
    await store.put(row);
    await pass(SHORT_LIFE_MS + 100);
    assert.equal(await store.find(row), undefined);
    assert.equal(await store.takeReveal(row), false);
    assert.equal(await store.end(row), false);
  });

  it('ends a value once, whoever races', async () => {
    const { store, now } = get();
    const row = volatileRow(now(), { metadata: randomBytes(70) });
    await store.put(row, 5);
    const ends = await Promise.all(Array.from({ length: 8 }, () => store.end(row)));
    assert.equal(ends.filter(Boolean).length, 1);
    assert.equal(await store.find(row), undefined);
    assert.equal(await store.takeReveal(row), false);
  });
}

function revealsContract(get: Get): void {
  it('gives a limited value exactly its number of reveals, whoever races', async () => {
    const { store, now } = get();
    const row = volatileRow(now());
    await store.put(row, 3);
    const taken = await Promise.all(Array.from({ length: 20 }, () => store.takeReveal(row)));
    assert.equal(taken.filter(Boolean).length, 3);
    assert.equal(await store.find(row), undefined);
  });

  it('does not count the reveals of a value without a limit', async () => {
    const { store, now } = get();
    const row = volatileRow(now());
    await store.put(row);
    for (let reveal = 0; reveal < 5; reveal += 1) assert.equal(await store.takeReveal(row), true);
    assert.deepEqual(await store.find(row), row);
  });

  it('takes no reveal of a token that never was, or is of another vault', async () => {
    const { store, now } = get();
    const row = volatileRow(now());
    await store.put(row, 1);
    assert.equal(await store.takeReveal(volatileRow(now())), false);
    assert.equal(await store.takeReveal({ ...row, vaultId: 2 }), false);
    assert.equal(await store.takeReveal(row), true);
  });
}
