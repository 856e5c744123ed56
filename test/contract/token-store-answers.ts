import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import { newAnswer, newToken, smallToken, VAULT_ID } from './token-store-rows.ts';

/** Another call with the same key: each seals an answer of its own. */
function twinOf(row: NewToken): NewToken {
  const idempotency = { ...(row.idempotency ?? assert.fail()), answer: randomBytes(80) };
  return newToken({ idempotency });
}

/** Calls that were made repeatable by a key. */
export function answerContract(store: () => TokenStore): void {
  it('keeps the answer of the call that stored its row, and finds it by key', async () => {
    const idempotency = newAnswer();
    const { key } = idempotency;
    assert.equal(await store().findAnswer({ vaultId: VAULT_ID, key }), undefined);
    assert.deepEqual(await store().insert(newToken({ idempotency })), { kind: 'inserted' });
    assert.deepEqual(await store().findAnswer({ vaultId: VAULT_ID, key }), idempotency);
    assert.equal(await store().findAnswer({ vaultId: VAULT_ID + 1, key }), undefined);
    const elsewhere = newToken({ idempotency: { ...newAnswer(), key }, vaultId: VAULT_ID + 1 });
    assert.deepEqual(await store().insert(elsewhere), { kind: 'inserted' });
  });

  it('stores nothing when the key was used, and gives what was left under it', async () => {
    const first = newToken({ idempotency: newAnswer() });
    await store().insert(first);
    const otherBody = twinOf(first);
    otherBody.idempotency = { ...(otherBody.idempotency ?? assert.fail()), body: randomBytes(32) };
    for (const again of [twinOf(first), otherBody]) {
      const result = await store().insert(again);
      assert.deepEqual(result, { kind: 'replayed', answer: first.idempotency });
      assert.equal(await store().find(again), undefined);
    }
  });

  it('calls the same row inserted again inserted, even when it was revoked meanwhile', async () => {
    const row = newToken({ idempotency: newAnswer() });
    await store().insert(row);
    assert.deepEqual(await store().insert(row), { kind: 'inserted' });
    await store().revoke(row);
    assert.deepEqual(await store().insert(row), { kind: 'inserted' });
    assert.equal(await store().find(row), undefined);
  });

  it('stores one row of many that race with one key, and all others replay it', async () => {
    const first = newToken({ idempotency: newAnswer() });
    const racers = [first, ...Array.from({ length: 31 }, () => twinOf(first))];
    const results = await Promise.all(racers.map((row) => store().insert(row)));
    const winner = racers[results.findIndex(({ kind }) => kind === 'inserted')] ?? assert.fail();
    const replays = results.filter((result) => result.kind === 'replayed');
    assert.equal(replays.length, 31);
    for (const { answer } of replays) assert.deepEqual(answer, winner.idempotency);
    const found = await Promise.all(racers.map((row) => store().find(row)));
    assert.equal(found.filter((row) => row !== undefined).length, 1);
  });

  it('leaves no answer where nothing was stored', async () => {
    const stored = smallToken();
    await store().insert(stored);
    const taken = newToken({ token: stored.token, idempotency: newAnswer() });
    const gone = newToken({ subjectId: '999999999', idempotency: newAnswer() });
    const good = newToken({ idempotency: newAnswer() });
    const results = await Promise.all([taken, gone, good].map((row) => store().insert(row)));
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['taken', 'subject_gone', 'inserted'],
    );
    for (const { idempotency, vaultId } of [taken, gone]) {
      const { key } = idempotency ?? assert.fail();
      assert.equal(await store().findAnswer({ vaultId, key }), undefined);
    }
    assert.deepEqual(await store().insert(twinOf(taken)), { kind: 'inserted' });
  });
}
