import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TokenStore } from '../../src/operations/ports/token-store.ts';
import { future, newToken, past, smallToken, twins, VAULT_ID } from './token-store-rows.ts';

const times = <T>(count: number, run: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, run));

/** Tokens whose reveals are counted. */
export function revealContract(store: () => TokenStore): void {
  it('gives out as many reveals as there are, and then the token is gone', async () => {
    const row = newToken({ revealsLeft: 2 });
    await store().insert(row);
    assert.equal((await store().find(row))?.revealsLeft, 2);
    assert.equal(await store().takeReveal(row), true);
    assert.equal((await store().find(row))?.revealsLeft, 1);
    assert.equal(await store().takeReveal(row), true);
    assert.equal(await store().find(row), undefined);
    assert.equal(await store().takeReveal(row), false);
    assert.equal(await store().revoke(row), false);
  });

  it('gives no reveal of what has no limit, has expired, was revoked or never was', async () => {
    const expired = newToken({ revealsLeft: 3, expiresAt: past() });
    const revoked = newToken({ revealsLeft: 3, expiresAt: future() });
    const unlimited = newToken();
    for (const row of [expired, revoked, unlimited]) await store().insert(row);
    await store().revoke(revoked);
    for (const row of [expired, revoked, unlimited, newToken()]) {
      assert.equal(await store().takeReveal(row), false);
    }
    const { vaultId: _, ...elsewhere } = newToken({ revealsLeft: 1 });
    await store().insert({ ...elsewhere, vaultId: VAULT_ID });
    assert.equal(await store().takeReveal({ ...elsewhere, vaultId: VAULT_ID + 1 }), false);
  });

  it('gives racing callers of several tokens exactly as many reveals as each has', async () => {
    const limits = [1, 7, 50, 60];
    const rows = limits.map((revealsLeft) => newToken({ revealsLeft }));
    await Promise.all(rows.map((row) => store().insert(row)));
    const taken = await times(50, () =>
      Promise.all(rows.map((row) => store().takeReveal({ ...row }))),
    );
    const counts = limits.map((_, index) => taken.filter((each) => each[index]).length);
    assert.deepEqual(counts, [1, 7, 50, 50]);
    const left = await Promise.all(rows.map((row) => store().find(row)));
    assert.deepEqual(
      left.map((row) => row?.revealsLeft),
      [undefined, undefined, undefined, 10],
    );
  });

  it('gives a value whose token has no reveal left a new one, once, whoever races', async () => {
    const [first] = twins();
    await store().insert({ ...first, revealsLeft: 1 });
    await store().takeReveal(first);
    const fingerprint = first.fingerprint ?? assert.fail();
    assert.equal(await store().findByFingerprint({ ...first, fingerprint }), undefined);
    const results = await times(8, () =>
      store().insert(newToken({ shard: first.shard, fingerprint })),
    );
    assert.equal(results.filter(({ kind }) => kind === 'inserted').length, 1);
    assert.equal(results.filter(({ kind }) => kind === 'known').length, 7);
  });
}

/** Tokens of small formats, whose strings never come back. */
export function tombstoneContract(store: () => TokenStore): void {
  it('keeps a string of a small format taken by its tombstone', async () => {
    const row = smallToken();
    const tombstone = row.small?.tombstone ?? assert.fail();
    assert.deepEqual(await store().insert(row), { kind: 'inserted' });
    assert.equal(await store().revoke({ ...row, tombstone }), true);
    // The digest stands for the string, whatever else was forgotten.
    const { small } = row;
    const again = newToken({ ...(small && { small }), shard: row.shard });
    assert.deepEqual(await store().insert(again), { kind: 'taken' });
    assert.equal(await store().find(again), undefined);
  });

  it('keeps tombstones of two vaults apart', async () => {
    const row = smallToken();
    const { small, shard, token } = row;
    await store().insert(row);
    await store().revoke({ ...row, ...(small && { tombstone: small.tombstone }) });
    const elsewhere = smallToken({ ...(small && { small }), shard, token, vaultId: VAULT_ID + 1 });
    assert.deepEqual(await store().insert(elsewhere), { kind: 'inserted' });
  });

  it('calls an expired string of a small format taken', async () => {
    const row = smallToken({ expiresAt: past() });
    await store().insert(row);
    const { small, shard, token } = row;
    const again = newToken({ ...(small && { small }), shard, token });
    assert.deepEqual(await store().insert(again), { kind: 'taken' });
  });

  it('gives racing callers of one value of a small format one token', async () => {
    const [{ shard, fingerprint = assert.fail() }] = twins();
    const results = await times(64, () => store().insert(smallToken({ shard, fingerprint })));
    assert.equal(results.filter(({ kind }) => kind === 'inserted').length, 1);
    assert.equal(results.filter(({ kind }) => kind === 'known').length, 63);
  });
}
