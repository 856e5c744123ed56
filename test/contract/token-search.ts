import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { SearchPosition, TokenSearch } from '../../src/operations/ports/token-search.ts';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import { importedToken, newToken, past, twins } from './token-store-rows.ts';

/** Search over a token store, with the clean-up that goes with it. */
export type SearchUnderTest = { store: TokenStore; search: TokenSearch; close(): Promise<void> };
type Under = () => SearchUnderTest;
type Query = Parameters<TokenSearch['search']>[0];

let lastFieldId = 100;
/** A field that no other test has rows in. */
const newField = () => {
  lastFieldId += 1;
  return lastFieldId;
};
const tag = () => randomBytes(16);
const small = (space: number) => ({ tombstone: randomBytes(16), space });

/** What every search must do; see the comments of the port. */
export function runTokenSearchContract(name: string, make: () => Promise<SearchUnderTest>): void {
  let under: SearchUnderTest;
  describe(`token search contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());
    pageContract(() => under);
    filterContract(() => under);
    livenessContract(() => under);
    usageContract(() => under);
  });
}

async function insertAll(under: Under, rows: NewToken[]): Promise<void> {
  const results = await Promise.all(rows.map((row) => under().store.insert(row)));
  assert.ok(results.every(({ kind }) => kind === 'inserted'));
}

async function searchFor(under: Under, query: Partial<Query>): Promise<string[]> {
  const all = { vaultId: 1, fieldIds: [], tags: [], limit: 100 };
  return (await under().search.search({ ...all, ...query })).map(({ token }) => token);
}

function pageContract(under: Under): void {
  it('gives the newest first, and in pages each token once and in the same order', async () => {
    const fieldIds = [newField(), newField()];
    const row = (index: number) => newToken({ fieldId: fieldIds[index % 2] ?? 0 });
    // Many at the same moment, and some later.
    await insertAll(
      under,
      Array.from({ length: 40 }, (_, index) => row(index)),
    );
    for (let index = 0; index < 5; index += 1) await insertAll(under, [row(index)]);
    const all = await under().search.search({ vaultId: 1, fieldIds, tags: [], limit: 100 });
    assert.equal(all.length, 45);
    const times = all.map(({ createdAt }) => createdAt.getTime());
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
    );
    const paged: string[] = [];
    let after: SearchPosition | undefined;
    do {
      const page = await under().search.search({
        vaultId: 1,
        fieldIds,
        tags: [],
        limit: 7,
        ...(after && { after }),
      });
      paged.push(...page.map(({ token }) => token));
      after = page.at(-1);
    } while (after !== undefined);
    assert.deepEqual(
      paged,
      all.map(({ token }) => token),
    );
  });

  it('tells of a token its field, its creation as the store has it, and its end', async () => {
    const row = newToken({ fieldId: newField(), expiresAt: new Date(Date.now() + 3_600_000) });
    await insertAll(under, [row]);
    const stored = await under().store.find(row);
    const query = { vaultId: 1, fieldIds: [row.fieldId], tags: [], limit: 1 };
    const { token, fieldId, expiresAt } = row;
    const createdAt = stored?.createdAt;
    assert.deepEqual(await under().search.search(query), [
      { token, fieldId, createdAt, expiresAt },
    ]);
  });
}

function filterContract(under: Under): void {
  it('finds tokens that have all of the tags, and no others', async () => {
    const [a, b, fieldId] = [tag(), tag(), newField()];
    const rows = [[], [a], [b], [a, b], [b, a, tag()]].map((tags) => newToken({ fieldId, tags }));
    await insertAll(under, rows);
    const tokens = (...indexes: number[]) =>
      indexes.map((index) => rows[index]?.token ?? assert.fail()).sort();
    const found = async (tags: Buffer[]) =>
      (await searchFor(under, { fieldIds: [fieldId], tags })).sort();
    assert.deepEqual(await found([]), tokens(0, 1, 2, 3, 4));
    assert.deepEqual(await found([a]), tokens(1, 3, 4));
    assert.deepEqual(await found([a, b]), tokens(3, 4));
    assert.deepEqual(await found([b, a, tag()]), []);
  });

  it('shows nothing of fields and vaults that were not asked for', async () => {
    const [mine, other] = [newField(), newField()];
    const tags = [tag()];
    const row = newToken({ fieldId: mine, tags });
    const rows = [row, newToken({ fieldId: other, tags }), newToken({ fieldId: mine, vaultId: 2 })];
    await insertAll(under, rows);
    for (const asked of [[], tags]) {
      assert.deepEqual(await searchFor(under, { fieldIds: [mine], tags: asked }), [row.token]);
      assert.deepEqual(await searchFor(under, { fieldIds: [], tags: asked }), []);
    }
  });

  it('takes from-times in and to-times out', async () => {
    const row = newToken({ fieldId: newField(), tags: [tag()] });
    await insertAll(under, [row]);
    const at = (await under().store.find(row))?.createdAt ?? assert.fail();
    const later = new Date(at.getTime() + 1);
    for (const tags of [[], row.tags ?? []]) {
      const found = (times: { from?: Date; to?: Date }) =>
        searchFor(under, { fieldIds: [row.fieldId], tags, ...times });
      assert.deepEqual(await found({ from: at, to: later }), [row.token]);
      assert.deepEqual(await found({ from: later }), []);
      assert.deepEqual(await found({ to: at }), []);
    }
  });
}

function livenessContract(under: Under): void {
  it('never shows what is expired, revoked or used up', async () => {
    const [fieldId, tags] = [newField(), [tag()]];
    const [live, expired, revoked, spent] = [
      newToken({ fieldId, tags, revealsLeft: 1 }),
      newToken({ fieldId, tags, expiresAt: past() }),
      newToken({ fieldId, tags }),
      newToken({ fieldId, tags, revealsLeft: 1 }),
    ];
    await insertAll(under, [live, expired, revoked, spent]);
    assert.equal(await under().store.revoke(revoked), true);
    assert.equal(await under().store.takeReveal(spent), true);
    for (const asked of [[], tags]) {
      assert.deepEqual(await searchFor(under, { fieldIds: [fieldId], tags: asked }), [live.token]);
    }
  });

  it('shows an imported token, and never what stands for it', async () => {
    const row = importedToken(twins()[0], { fieldId: newField() });
    assert.deepEqual(await under().store.import(row), { kind: 'imported' });
    assert.deepEqual(await searchFor(under, { fieldIds: [row.fieldId] }), [row.token]);
  });
}

function usageContract(under: Under): void {
  it('counts the live tokens of large formats, imported ones once', async () => {
    const fieldId = newField();
    const ended = newToken({ fieldId });
    await insertAll(under, [
      newToken({ fieldId }),
      ended,
      newToken({ fieldId, expiresAt: past() }),
      newToken({ fieldId, vaultId: 2 }),
    ]);
    await under().store.import(importedToken(twins()[0], { fieldId }));
    await under().store.revoke(ended);
    assert.deepEqual(await usageOf(under, fieldId), { fieldId, used: 2, spaces: 0, fullest: 0 });
  });

  it('counts in small formats what is alive and what can never be issued again, by kept part', async () => {
    const fieldId = newField();
    const ended = newToken({ fieldId, small: small(-3) });
    await insertAll(under, [
      newToken({ fieldId, small: small(-3) }),
      newToken({ fieldId, small: small(-3), expiresAt: past() }),
      ended,
      newToken({ fieldId, small: small(7) }),
    ]);
    const tombstone = ended.small?.tombstone ?? assert.fail();
    assert.equal(await under().store.revoke({ ...ended, tombstone }), true);
    assert.deepEqual(await usageOf(under, fieldId), { fieldId, used: 4, spaces: 2, fullest: 3 });
  });
}

async function usageOf(under: Under, fieldId: number) {
  return (await under().search.usage(1)).find((field) => field.fieldId === fieldId);
}
