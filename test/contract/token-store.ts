import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';

import { answerContract } from './token-store-answers.ts';
import { importContract } from './token-store-imports.ts';
import { revealContract, tombstoneContract } from './token-store-limits.ts';
import { future, newToken, past, twins, unread, VAULT_ID } from './token-store-rows.ts';

/** A store under test, with the clean-up that goes with it. */
export type StoreUnderTest = { store: TokenStore; close(): Promise<void> };

/** What every token store must do; see the comments of the port. */
export function runTokenStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  const store = () => under.store;
  describe(`token store contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());
    readingContract(store);
    fingerprintContract(store);
    repeatContract(store);
    endingContract(store);
    subjectContract(store);
    erasedSubjectContract(store);
    revealContract(store);
    tombstoneContract(store);
    answerContract(store);
    importContract(store);
  });
}

function readingContract(store: () => TokenStore): void {
  it('finds what was inserted, with every field', async () => {
    const row = newToken({ metadata: randomBytes(80), expiresAt: future() });
    assert.deepEqual(await store().insert(row), { kind: 'inserted' });
    const found = await store().find(row);
    assert.deepEqual(
      { ...unread(found), createdAt: undefined },
      {
        token: row.token,
        shard: row.shard,
        fieldId: 1,
        sealed: row.sealed,
        metadata: row.metadata,
        expiresAt: row.expiresAt,
        createdAt: undefined,
      },
    );
    assert.ok(found?.createdAt instanceof Date);
    assert.ok(found.readAtMs >= found.createdAt.getTime(), 'by the same clock');
  });

  it('does not find a token of another vault, nor one that never was', async () => {
    const row = newToken();
    await store().insert(row);
    assert.equal(await store().find({ ...row, vaultId: VAULT_ID + 1 }), undefined);
    assert.equal(await store().find(newToken()), undefined);
  });

  it('never returns an expired token', async () => {
    const [row] = twins();
    const expired = { ...row, expiresAt: past() };
    await store().insert(expired);
    assert.equal(await store().find(expired), undefined);
    const fingerprint = expired.fingerprint ?? assert.fail();
    assert.equal(await store().findByFingerprint({ ...expired, fingerprint }), undefined);
  });

  it('answers a thousand concurrent calls each with its own row', async () => {
    const rows = Array.from({ length: 1_000 }, () => newToken());
    await Promise.all(rows.map((row) => store().insert(row)));
    const found = await Promise.all(rows.map((row) => store().find(row)));
    assert.deepEqual(
      found.map((row) => row?.sealed),
      rows.map((row) => row.sealed),
    );
  });
}

function fingerprintContract(store: () => TokenStore): void {
  for (const version of [1, 2]) {
    it(`finds the token of a known value under key version ${version}`, async () => {
      const [first, second] = twins(version);
      await store().insert(first);
      const fingerprint = first.fingerprint ?? assert.fail();
      assert.equal(
        (await store().findByFingerprint({ ...first, fingerprint }))?.token,
        first.token,
      );
      const known = await store().insert(second);
      assert.ok(known.kind === 'known' && known.row.token === first.token);
      assert.equal(await store().find(second), undefined);
    });
  }

  it('keeps equal fingerprints of two fields, vaults and versions apart', async () => {
    const [row] = twins();
    const digest = row.fingerprint?.digest ?? assert.fail();
    const others: NewToken[] = [
      newToken({ ...pick(row), fieldId: 2 }),
      newToken({ ...pick(row), vaultId: 2 }),
      newToken({ shard: row.shard, fingerprint: { version: 2, digest } }),
    ];
    const results = await Promise.all([row, ...others].map((each) => store().insert(each)));
    assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(['inserted']));
  });

  it('gives 64 racing callers of one value one token', async () => {
    const [first] = twins();
    const racers = Array.from({ length: 64 }, () => newToken({ ...pick(first) }));
    const results = await Promise.all(racers.map((row) => store().insert(row)));
    const winner = racers[results.findIndex(({ kind }) => kind === 'inserted')] ?? assert.fail();
    const losers = results.filter(({ kind }) => kind === 'known');
    assert.equal(losers.length, 63);
    assert.ok(losers.every((each) => each.kind === 'known' && each.row.token === winner.token));
  });

  it('takes the fingerprint from an expired row, once, whoever races', async () => {
    const [first] = twins();
    await store().insert({ ...first, expiresAt: past() });
    const racers = Array.from({ length: 8 }, () => newToken({ ...pick(first) }));
    const results = await Promise.all(racers.map((row) => store().insert(row)));
    assert.equal(results.filter(({ kind }) => kind === 'inserted').length, 1);
    assert.equal(results.filter(({ kind }) => kind === 'known').length, 7);
    assert.equal(await store().find(first), undefined);
  });
}

const pick = ({ fingerprint, shard }: NewToken) => ({
  shard,
  ...(fingerprint !== undefined && { fingerprint }),
});

function repeatContract(store: () => TokenStore): void {
  it('calls the same row inserted again inserted, and another row of that token taken', async () => {
    const row = newToken();
    await store().insert(row);
    assert.deepEqual(await store().insert(row), { kind: 'inserted' });
    assert.deepEqual(await store().insert(newToken({ token: row.token })), { kind: 'taken' });
    assert.deepEqual((await store().find(row))?.sealed, row.sealed);
  });

  it('decides between two rows of one token in one batch', async () => {
    const row = newToken();
    const rival = newToken({ token: row.token });
    const results = await Promise.all([
      store().insert(row),
      store().insert(rival),
      store().insert(row),
    ]);
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['inserted', 'taken', 'inserted'],
    );
  });
}

function endingContract(store: () => TokenStore): void {
  it('revokes once, for good, and keeps the string taken', async () => {
    const [row, twin] = twins();
    await store().insert(row);
    assert.equal(await store().revoke(row), true);
    assert.equal(await store().revoke(row), false);
    assert.equal(await store().find(row), undefined);
    const { token, shard } = row;
    assert.deepEqual(await store().insert(newToken({ token, shard })), { kind: 'taken' });
    assert.deepEqual(await store().insert(row), { kind: 'taken' });
    assert.deepEqual(await store().insert(twin), { kind: 'inserted' });
  });

  it('does not revoke what is not alive', async () => {
    const expired = newToken({ expiresAt: past() });
    await store().insert(expired);
    assert.equal(await store().revoke(expired), false);
    assert.equal(await store().revoke(newToken()), false);
  });

  it('lets exactly one of many racing revokers have done it', async () => {
    const row = newToken();
    await store().insert(row);
    const results = await Promise.all(Array.from({ length: 32 }, () => store().revoke(row)));
    assert.equal(results.filter(Boolean).length, 1);
  });
}

function subjectContract(store: () => TokenStore): void {
  const subject = () => ({
    vaultId: VAULT_ID,
    digest: randomBytes(32),
    sealedSecret: randomBytes(77),
  });

  it('gives all racing callers of one person the same row', async () => {
    const { digest } = subject();
    const rows = await Promise.all(
      Array.from({ length: 32 }, () => store().ensureSubject({ ...subject(), digest })),
    );
    assert.equal(new Set(rows.map(({ id }) => id)).size, 1);
    assert.equal(new Set(rows.map(({ sealedSecret }) => sealedSecret.toString('hex'))).size, 1);
    assert.ok(rows.every((row) => row.digest.equals(digest)));
  });

  it('keeps persons of two vaults apart', async () => {
    const { digest } = subject();
    const here = await store().ensureSubject({ ...subject(), digest });
    const there = await store().ensureSubject({ ...subject(), digest, vaultId: 2 });
    assert.notEqual(here.id, there.id);
  });

  it('returns the subject with rows that are sealed under it, and with no other', async () => {
    const person = await store().ensureSubject(subject());
    const sealedForIt = newToken({ subjectId: person.id, sealedForSubject: true });
    const linkedOnly = newToken({ subjectId: person.id });
    await Promise.all([store().insert(sealedForIt), store().insert(linkedOnly)]);
    assert.deepEqual((await store().find(sealedForIt))?.subject, person);
    assert.equal((await store().find(linkedOnly))?.subject, undefined);
  });

  it('links a token to one more subject, again and again, and dead tokens without complaint', async () => {
    const row = newToken();
    await store().insert(row);
    const { id: subjectId } = await store().ensureSubject(subject());
    await Promise.all(Array.from({ length: 8 }, () => store().link({ ...row, subjectId })));
    await store().link({ ...newToken(), subjectId });
  });

  it('finds the live tokens of a subject, linked or inserted so, and those of no other', async () => {
    const person = subject();
    const { id: subjectId } = await store().ensureSubject(person);
    const { id: otherId } = await store().ensureSubject(subject());
    const first = newToken({ subjectId });
    const linked = newToken();
    const expired = newToken({ subjectId, expiresAt: past() });
    const revoked = newToken({ subjectId });
    const others = newToken({ subjectId: otherId });
    for (const row of [first, linked, expired, revoked, others]) await store().insert(row);
    await store().link({ ...linked, subjectId });
    await store().revoke(revoked);
    const asked = { ...person, limit: 10 };
    const found = [first.token, linked.token].sort();
    assert.deepEqual(await store().findOfSubject(asked), found);
    assert.equal((await store().findOfSubject({ ...asked, limit: 1 })).length, 1);
    assert.deepEqual(await store().findOfSubject({ ...asked, vaultId: 2 }), []);
    assert.deepEqual(await store().findOfSubject({ ...subject(), limit: 10 }), []);
  });
}

function erasedSubjectContract(store: () => TokenStore): void {
  it('stores nothing for a subject who is not there, and links nothing to one', async () => {
    const gone = { subjectId: '999999999' };
    const rows = [
      newToken(gone),
      newToken({ ...gone, sealedForSubject: true }),
      { ...twins()[0], ...gone },
    ];
    for (const row of rows) {
      assert.deepEqual(await store().insert(row), { kind: 'subject_gone' });
      assert.equal(await store().find(row), undefined);
      const { subjectId: _, ...unnamed } = row;
      assert.deepEqual(await store().insert(unnamed), { kind: 'inserted' });
      await store().link({ ...row, ...gone });
    }
  });

  it('tells of a known value even to a caller whose subject is gone', async () => {
    const [first, second] = twins();
    await store().insert(first);
    const known = await store().insert({ ...second, subjectId: '999999999' });
    assert.equal(known.kind, 'known');
  });
}
