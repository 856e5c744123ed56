import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import type { ImportResult, NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import {
  future,
  importedToken,
  newToken,
  past,
  smallToken,
  twins,
  unread,
  VAULT_ID,
} from './token-store-rows.ts';

const kindsOf = (results: readonly { kind: string }[]) => results.map(({ kind }) => kind);

const count = (results: readonly { kind: string }[], kind: string) =>
  kindsOf(results).filter((each) => each === kind).length;

/** A value that has a fingerprint, in a shard that is not its token's. */
const known = () => twins()[0] as NewToken & { fingerprint: { version: number; digest: Buffer } };

/** Tokens that were issued elsewhere. */
export function importContract(store: () => TokenStore): void {
  it('finds an imported token by its string and by its value, as the row that it is', async () => {
    const value = known();
    const row = importedToken(value, {
      metadata: randomBytes(80),
      expiresAt: future(),
      revealsLeft: 3,
    });
    assert.deepEqual(await store().import(row), { kind: 'imported' });
    const found = (await store().find(row)) ?? assert.fail();
    const { token, shard, sealed, metadata, revealsLeft } = found;
    assert.deepEqual(
      { token, shard, sealed, metadata, revealsLeft },
      {
        token: row.token,
        shard: row.shard,
        sealed: row.sealed,
        metadata: row.metadata,
        revealsLeft: 3,
      },
    );
    assert.deepEqual(unread(await store().findByFingerprint(value)), unread(found));
    const result = await store().insert(newToken({ ...value, token: newToken().token }));
    assert.ok(result.kind === 'known');
    assert.deepEqual(unread(result.row), unread(found));
  });

  it('never gives out the row that only holds the fingerprint', async () => {
    const row = importedToken(known());
    await store().import(row);
    const alias = { vaultId: VAULT_ID, ...(row.alias ?? assert.fail()) };
    assert.equal(await store().find(alias), undefined);
    assert.equal(await store().revoke(alias), false);
    assert.equal(await store().takeReveal(alias), false);
    assert.notEqual(await store().find(row), undefined);
  });

  it('is the same success when repeated with the same row', async () => {
    for (const row of [importedToken(known()), importedToken()]) {
      assert.deepEqual(await store().import(row), { kind: 'imported' });
      assert.deepEqual(await store().import(row), { kind: 'imported' });
    }
  });

  it('knows the same token of the same value again, imported or drawn', async () => {
    const value = known();
    const row = importedToken(value);
    await store().import(row);
    const again = await store().import(importedToken(value, { token: row.token }));
    assert.ok(again.kind === 'same_token' && again.row.sealed.equals(row.sealed));
    const drawn = known();
    await store().insert(drawn);
    const same = importedToken(drawn, { token: drawn.token, shard: drawn.shard });
    assert.equal((await store().import(same)).kind, 'same_token');
  });

  it('leaves it to the caller whether a random value is the same', async () => {
    const row = importedToken();
    await store().import(row);
    const again = await store().import(importedToken(undefined, { token: row.token }));
    assert.ok(again.kind === 'same_token' && again.row.sealed.equals(row.sealed));
    const otherField = importedToken(undefined, { token: row.token, fieldId: 2 });
    assert.deepEqual(await store().import(otherField), { kind: 'token_taken' });
  });

  takenContract(store);
  conflictContract(store);
  importEndingContract(store);
}

function takenContract(store: () => TokenStore): void {
  it('refuses a string that stands for another value', async () => {
    const { token } = importedToken();
    for (const holder of [importedToken(known()), newToken(known()), newToken()]) {
      await ('alias' in holder ? store().import(holder) : store().insert(holder));
      const row = importedToken(known(), { token: holder.token, shard: holder.shard });
      assert.deepEqual(await store().import(row), { kind: 'token_taken' });
    }
    assert.deepEqual(await store().import(importedToken(known(), { token })), { kind: 'imported' });
  });

  it('refuses a string that is dead, whatever it stood for', async () => {
    const expired = newToken({ expiresAt: past() });
    const revoked = newToken();
    for (const row of [expired, revoked]) await store().insert(row);
    await store().revoke(revoked);
    for (const { token } of [expired, revoked]) {
      for (const row of [importedToken(known(), { token }), importedToken(undefined, { token })]) {
        assert.deepEqual(await store().import(row), { kind: 'token_taken' });
      }
    }
  });

  it('refuses a string that has a tombstone', async () => {
    const buried = smallToken();
    const small = buried.small ?? assert.fail();
    await store().insert(buried);
    await store().revoke({ ...buried, tombstone: small.tombstone });
    const row = importedToken(known(), { small, shard: buried.shard });
    assert.deepEqual(await store().import(row), { kind: 'token_taken' });
    assert.equal(await store().find(row), undefined);
  });
}

function conflictContract(store: () => TokenStore): void {
  it('refuses a second token for a value, and stores nothing of it', async () => {
    const value = known();
    await store().insert(value);
    const row = importedToken(value);
    assert.deepEqual(await store().import(row), { kind: 'value_known' });
    assert.equal(await store().find(row), undefined);
    assert.equal((await store().findByFingerprint(value))?.token, value.token);
    // Nothing is left in its way either.
    const { alias: _, ...unknown } = row;
    assert.deepEqual(await store().import(unknown), { kind: 'imported' });
  });

  it('stores nothing for a subject who is not there', async () => {
    const row = importedToken(known(), { subjectId: '999999999' });
    assert.deepEqual(await store().import(row), { kind: 'subject_gone' });
    const { subjectId: _, ...unnamed } = row;
    assert.deepEqual(await store().import(unnamed), { kind: 'imported' });
  });

  it('decides between rows of one batch that share a string, a value or both', async () => {
    const value = known();
    const twin = known();
    const row = importedToken(value);
    const { token } = row;
    for (const [one, two, loses] of [
      [row, importedToken(value, { token }), 'same_token'],
      [
        importedToken(known(), { token: 'their-1' }),
        importedToken(known(), { token: 'their-1' }),
        'token_taken',
      ],
      [importedToken(twin), importedToken(twin), 'value_known'],
    ] as const) {
      const results: ImportResult[] = await Promise.all([store().import(one), store().import(two)]);
      assert.deepEqual(new Set(kindsOf(results)), new Set(['imported', loses]));
    }
  });

  it('gives a value one token, whether it is drawn or imported first', async () => {
    for (let round = 0; round < 10; round += 1) {
      const value = known();
      const [imports, inserts] = await Promise.all([
        Promise.all(Array.from({ length: 8 }, () => store().import(importedToken(value)))),
        Promise.all(
          Array.from({ length: 8 }, () =>
            store().insert(newToken({ shard: value.shard, fingerprint: value.fingerprint })),
          ),
        ),
      ]);
      const winners = count(imports, 'imported') + count(inserts, 'inserted');
      assert.equal(winners, 1);
      assert.equal(count(imports, 'value_known') + count(inserts, 'known'), 15);
    }
  });
}

function importEndingContract(store: () => TokenStore): void {
  it('frees the value of an imported token with its end, and never the string', async () => {
    const value = known();
    const row = importedToken(value);
    await store().import(row);
    assert.equal(await store().revoke(row), true);
    assert.equal(await store().findByFingerprint(value), undefined);
    assert.deepEqual(await store().import(importedToken(value, { token: row.token })), {
      kind: 'token_taken',
    });
    assert.deepEqual(await store().import(importedToken(value)), { kind: 'imported' });
  });

  it('frees the value of an imported token that has expired, for either kind of heir', async () => {
    for (const isDrawn of [true, false]) {
      const value = known();
      await store().import(importedToken(value, { expiresAt: past() }));
      assert.equal(await store().findByFingerprint(value), undefined);
      const results = await Promise.all(
        Array.from({ length: 4 }, () =>
          isDrawn
            ? store().insert(newToken({ shard: value.shard, fingerprint: value.fingerprint }))
            : store().import(importedToken(value)),
        ),
      );
      assert.equal(count(results, isDrawn ? 'inserted' : 'imported'), 1, kindsOf(results).join());
    }
  });
}
