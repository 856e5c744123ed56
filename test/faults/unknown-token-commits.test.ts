import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import type { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import type { TokenStore } from '../../src/operations/ports/token-store.ts';
import {
  importedToken,
  newAnswer,
  newToken,
  smallToken,
  twins,
} from '../contract/token-store-rows.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { type AnswerLoser, startProxy } from './proxy.ts';

let database: TestDatabase;
let proxy: AnswerLoser;
let pool: Pool;
let store: TokenStore;
before(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.serviceUrl);
  pool = makePool({ connectionString: proxy.url, max: 4, name: 'test' });
  store = makeTokenStore({ pool, clock, random: randomBytes });
  await ensureVault({ pool, clock }, 'one');
});
after(async () => {
  await pool?.end();
  await proxy?.close();
  await database?.drop();
});

const countOf = async (table: string): Promise<number> =>
  withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query(`select count(*)::int as n from ${table}`);
    return rows[0].n;
  });

/** Runs `work` while the answer to the next statement that contains `text` is lost after its commit. */
async function losing<Result>(text: string, work: () => Promise<Result>): Promise<Result> {
  const lost = proxy.lost();
  proxy.loseAnswersTo(text, 1);
  const result = await work();
  assert.equal(proxy.lost(), lost + 1, 'no answer was lost');
  return result;
}

const COMMIT = 'commit\0';

it('stores a row of a small format once when the answer to its commit is lost', async () => {
  const rows = await countOf('token');
  const row = smallToken();
  assert.deepEqual(await losing(COMMIT, () => store.insert(row)), { kind: 'inserted' });
  assert.equal(await countOf('token'), rows + 1);
});

it('knows its own answer again when the commit of an idempotent insert is lost', async () => {
  const rows = await countOf('token');
  const row = newToken({ idempotency: newAnswer() });
  assert.deepEqual(await losing(COMMIT, () => store.insert(row)), { kind: 'inserted' });
  assert.equal(await countOf('token'), rows + 1);
  const { key } = row.idempotency ?? assert.fail();
  assert.deepEqual(await store.findAnswer({ vaultId: 1, key }), row.idempotency);
});

it('replays the answer of another call when the commit of a replay is lost', async () => {
  const first = newToken({ idempotency: newAnswer() });
  await store.insert(first);
  const again = newToken({
    idempotency: { ...(first.idempotency ?? assert.fail()), answer: randomBytes(80) },
  });
  const replay = { kind: 'replayed', answer: first.idempotency };
  assert.deepEqual(await losing(COMMIT, () => store.insert(again)), replay);
});

it('knows an imported token again when the answer to its commit is lost', async () => {
  const rows = await countOf('token');
  const [value] = twins();
  const row = importedToken(value);
  assert.deepEqual(await losing(COMMIT, () => store.import(row)), { kind: 'imported' });
  assert.equal(await countOf('token'), rows + 2);
  const fingerprint = value.fingerprint ?? assert.fail();
  assert.equal((await store.findByFingerprint({ ...value, fingerprint }))?.token, row.token);
});

it('counts a reveal as used when the answer to it is lost, and takes another one', async () => {
  const row = newToken({ revealsLeft: 3 });
  await store.insert(row);
  const take = () => store.takeReveal(row);
  assert.equal(await losing('token-take-reveal', take), true);
  assert.equal((await store.find(row))?.revealsLeft, 1);
  assert.equal(await losing('token-take-reveal', take), false);
  assert.equal(await take(), false);
});
