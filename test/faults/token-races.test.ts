import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { shardOf } from '../../src/domain/tokens/shard.ts';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import { importedToken, newAnswer, newToken, smallToken } from '../contract/token-store-rows.ts';
import { type Known, newValue, openThreeStores, type ThreeStores } from './three-stores.ts';

let three: ThreeStores;
before(async () => {
  three = await openThreeStores();
});
after(() => three?.close());

const countOf = (results: readonly { kind: string }[], kind: string) =>
  results.filter((result) => result.kind === kind).length;

const drawFor = ({ shard, fingerprint }: Known) => newToken({ shard, fingerprint });

/** The same numbers in an order of each caller's own. */
const shuffled = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ index, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ index }) => index);

it('gives 64 callers whose values overlap by half exactly one token for each value', async () => {
  const callers = 64;
  const perCaller = 60;
  const values = Array.from({ length: (callers + 1) * (perCaller / 2) }, newValue);
  const answers = await three.race(callers, async (store, caller) => {
    const first = caller * (perCaller / 2);
    const mine = shuffled(perCaller).map((index) => first + index);
    return Promise.all(
      mine.map(async (index) => {
        const row = drawFor(values[index] ?? assert.fail());
        const result = await store.insert(row);
        if (result.kind === 'known') return { index, token: result.row.token, made: 0 };
        assert.equal(result.kind, 'inserted');
        return { index, token: row.token, made: 1 };
      }),
    );
  });
  const tokens = values.map(() => new Set<string>());
  for (const { index, token } of answers.flat()) tokens[index]?.add(token);
  assert.ok(tokens.every(({ size }) => size === 1));
  assert.equal(
    answers.flat().reduce((sum, { made }) => sum + made, 0),
    values.length,
  );
});

it('stores one row for each idempotency key, whoever races, and the others replay it', async () => {
  const keys = Array.from({ length: 100 }, newAnswer);
  const rows: NewToken[] = [];
  const results = await three.race(9, async (store) => {
    const mine = shuffled(keys.length).map((index) => {
      const idempotency = { ...(keys[index] ?? assert.fail()), answer: randomBytes(80) };
      const row = newToken({ idempotency });
      rows.push(row);
      return { index, row };
    });
    return Promise.all(
      mine.map(async ({ index, row }) => ({ index, row, result: await store.insert(row) })),
    );
  });
  for (const [index] of keys.entries()) {
    const mine = results.flat().filter((each) => each.index === index);
    const winner = mine.find(({ result }) => result.kind === 'inserted')?.row ?? assert.fail();
    const replays = mine.flatMap(({ result }) => (result.kind === 'replayed' ? [result] : []));
    assert.equal(replays.length, mine.length - 1);
    for (const { answer } of replays) assert.deepEqual(answer, winner.idempotency);
  }
  const stored = await three.sql('select from token where token = any ($1)', [
    rows.map(({ token }) => token),
  ]);
  assert.equal(stored.rowCount, keys.length);
});

it('gives out n reveals, and not one more, of each token under 50 callers', async () => {
  const limits = [1, 2, 10, 49, 50];
  const rows = limits.map((revealsLeft) => newToken({ revealsLeft }));
  for (const row of rows) await three.storeAt(0).insert(row);
  const taken = await three.race(50, (store, place) =>
    Promise.all(
      (place % 2 === 0 ? rows : rows.toReversed()).map(async (row) => ({
        row,
        isTaken: await store.takeReveal({ ...row }),
      })),
    ),
  );
  for (const [index, row] of rows.entries()) {
    const mine = taken.flat().filter((each) => each.row === row && each.isTaken);
    assert.equal(mine.length, limits[index]);
    assert.equal(await three.storeAt(1).find(row), undefined);
  }
});

it('gives a value one token when it is imported and drawn at once', async () => {
  for (let round = 0; round < 10; round += 1) {
    const values = Array.from({ length: 20 }, newValue);
    const kinds = await three.race(6, (store, place) =>
      Promise.all(
        shuffled(values.length).map(async (index) => {
          const value = values[index] ?? assert.fail();
          const isImport = place % 2 === 0;
          const { kind } = await (isImport
            ? store.import(importedToken(value))
            : store.insert(drawFor(value)));
          return { index, kind };
        }),
      ),
    );
    for (const [index, value] of values.entries()) {
      const mine = kinds.flat().filter((each) => each.index === index);
      assert.equal(countOf(mine, 'imported') + countOf(mine, 'inserted'), 1);
      assert.equal(countOf(mine, 'value_known') + countOf(mine, 'known'), 5);
      assert.notEqual(await three.storeAt(round).findByFingerprint(value), undefined);
    }
  }
});

it('gives a string one row when it is imported and drawn at once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const token = `both-${randomBytes(8).toString('hex')}`;
    const value = { ...newValue(), shard: shardOf(token) };
    const imports = [value, newValue(), value, undefined].map((of) => importedToken(of, { token }));
    const draws = [newToken({ token, fingerprint: value.fingerprint }), newToken({ token })];
    const callers = [
      ...imports.map((row) => (store: TokenStore) => store.import(row)),
      ...draws.map((row) => (store: TokenStore) => store.insert(row)),
    ];
    const results: { kind: string }[] = await Promise.all(
      shuffled(callers.length).map(
        (index, place) => callers[index]?.(three.storeAt(place)) ?? assert.fail(),
      ),
    );
    assert.equal(countOf(results, 'inserted') + countOf(results, 'imported'), 1);
    const found = (await three.storeAt(round).find({ ...value, token })) ?? assert.fail();
    const winner = [...imports, ...draws].find(({ sealed }) => sealed.equals(found.sealed));
    // No alias is left of an import that lost.
    const aliases = await three.sql('select from token where target_token = $1', [token]);
    assert.equal(aliases.rowCount, winner !== undefined && 'alias' in winner ? 1 : 0);
  }
});

it('never issues a string of a small format again, whoever revokes and inserts it', async () => {
  for (let round = 0; round < 10; round += 1) {
    const rows = Array.from({ length: 10 }, () => smallToken());
    await Promise.all(rows.map((row) => three.storeAt(0).insert(row)));
    const again = ({ token, shard, small }: NewToken) =>
      newToken({ token, shard, ...(small && { small }) });
    const results = await three.race(12, (store, place) =>
      Promise.all(
        rows.map(async (row) => {
          const tombstone = row.small?.tombstone ?? assert.fail();
          if (place % 4 === 0) return (await store.revoke({ ...row, tombstone })) ? 'ended' : '';
          return (await store.insert(again(row))).kind;
        }),
      ),
    );
    const counted = (what: string) => results.flat().filter((each) => each === what).length;
    assert.equal(counted('ended'), rows.length);
    assert.equal(counted('taken'), 9 * rows.length);
    const left = await three.sql('select from token where token = any ($1)', [
      rows.map(({ token }) => token),
    ]);
    assert.equal(left.rowCount, 0);
  }
});
