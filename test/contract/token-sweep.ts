import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { NewToken } from '../../src/operations/ports/token-store.ts';
import type { StoresUnderTest } from '../helpers/token-stores.ts';
import { importedToken, newAnswer, newToken, twins } from './token-store-rows.ts';

type Under = () => StoresUnderTest;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const agoMs = (ms: number) => new Date(Date.now() - ms);
const small = () => ({ tombstone: randomBytes(16), space: 5 });
const tombstoneOf = ({ small: kept }: NewToken) => kept?.tombstone ?? assert.fail();

/** What every sweep must do; see the comments of the port. */
export function runTokenSweepContract(name: string, make: () => Promise<StoresUnderTest>): void {
  let under: StoresUnderTest;
  describe(`token sweep contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());
    beforeEach(async () => {
      const dead = await under.sweep.findDead({ limit: 1_000, withoutKeys: [] });
      const rows = dead.map((row) => ({ ...row, tombstone: randomBytes(16) }));
      assert.equal(await under.sweep.bury(rows), dead.length);
    });
    findContract(() => under);
    buryContract(() => under);
    forgetContract(() => under);
  });
}

async function insertAll(under: Under, rows: NewToken[]): Promise<void> {
  for (const row of rows) {
    assert.deepEqual(await under().store.insert(row), { kind: 'inserted' });
  }
}

const findDead = async (under: Under, ask: { limit?: number; withoutKeys?: number[] } = {}) =>
  under().sweep.findDead({ limit: 100, withoutKeys: [], ...ask });

function findContract(under: Under): void {
  it('finds what expired and what is used up, of every vault, and nothing that lives', async () => {
    const expired = newToken({ expiresAt: agoMs(1_000) });
    const spent = newToken({ vaultId: 2, revealsLeft: 1, small: small() });
    const live = newToken({ expiresAt: new Date(Date.now() + HOUR_MS), revealsLeft: 1 });
    await insertAll(under, [expired, spent, live, newToken()]);
    await under().store.takeReveal(spent);
    const keyOf = ({ shard, vaultId, token }: NewToken) => ({ shard, vaultId, token });
    assert.deepEqual(await findDead(under), [
      { ...keyOf(expired), isSmall: false },
      { ...keyOf(spent), isSmall: true },
    ]);
  });

  it('gives the longest dead first, and no more than asked for', async () => {
    const rows = [3, 1, 2].map((hours) => newToken({ expiresAt: agoMs(hours * HOUR_MS) }));
    await insertAll(under, rows);
    const found = await findDead(under, { limit: 2 });
    assert.deepEqual(
      found.map(({ token }) => token),
      [rows[0]?.token, rows[2]?.token],
    );
  });

  it('keeps rows that wait for the keys of their vault out of everybody’s way', async () => {
    const waiting = newToken({ expiresAt: agoMs(HOUR_MS), small: small() });
    const large = newToken({ expiresAt: agoMs(3_000) });
    const elsewhere = newToken({ vaultId: 2, expiresAt: agoMs(2_000), small: small() });
    await insertAll(under, [waiting, large, elsewhere]);
    const found = await findDead(under, { limit: 2, withoutKeys: [1] });
    assert.deepEqual(
      found.map(({ token }) => token),
      [large.token, elsewhere.token],
    );
  });
}

function buryContract(under: Under): void {
  it('deletes dead rows, and the strings of small formats stay taken', async () => {
    const large = newToken({ expiresAt: agoMs(1_000), tags: [randomBytes(16)] });
    const kept = newToken({ expiresAt: agoMs(1_000), small: small() });
    await insertAll(under, [large, kept]);
    const rows = [large, { ...kept, tombstone: tombstoneOf(kept) }];
    assert.equal(await under().sweep.bury(rows), 2);
    assert.equal(await under().sweep.bury(rows), 0);
    assert.deepEqual(await findDead(under), []);
    const again = { ...newToken({ token: kept.token }), small: kept.small ?? assert.fail() };
    assert.deepEqual(await under().store.insert(again), { kind: 'taken' });
  });

  it('deletes an imported token with what stands for it', async () => {
    const [known] = twins();
    const row = importedToken(known, { expiresAt: agoMs(1_000) });
    await under().store.import(row);
    assert.equal(await under().sweep.bury([row]), 1);
    assert.deepEqual(await under().store.import(importedToken(known)), { kind: 'imported' });
  });

  it('passes over what is alive, and over small formats without a tombstone', async () => {
    const live = newToken({ expiresAt: new Date(Date.now() + HOUR_MS) });
    const left = newToken({ revealsLeft: 2, small: small() });
    const bare = newToken({ expiresAt: agoMs(1_000), small: small() });
    await insertAll(under, [live, left, bare]);
    await under().store.takeReveal(left);
    const rows = [live, { ...left, tombstone: tombstoneOf(left) }, bare, newToken()];
    assert.equal(await under().sweep.bury(rows), 0);
    assert.equal((await under().store.find(live))?.token, live.token);
    assert.equal((await under().store.find(left))?.token, left.token);
    assert.equal((await findDead(under)).length, 1);
  });
}

function forgetContract(under: Under): void {
  const forget = () => under().sweep.forget({ revocationMs: 2 * DAY_MS });

  it('forgets answers after a day and revocations after their time, and not before', async () => {
    const answer = newAnswer();
    const answered = newToken({ idempotency: answer });
    const revoked = newToken();
    await insertAll(under, [answered, revoked]);
    await under().store.revoke(revoked);
    await under().age(DAY_MS - HOUR_MS);
    assert.equal(await forget(), 0);
    assert.deepEqual(await under().store.findAnswer({ vaultId: 1, key: answer.key }), answer);
    await under().age(2 * HOUR_MS);
    assert.equal(await forget(), 1);
    assert.deepEqual(await under().store.insert(newToken({ token: revoked.token })), {
      kind: 'taken',
    });
    await under().age(DAY_MS);
    assert.equal(await forget(), 1);
    assert.equal(await forget(), 0);
    assert.equal((await under().store.find(answered))?.token, answered.token);
  });
}
