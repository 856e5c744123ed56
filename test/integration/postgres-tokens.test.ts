import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { VaultError } from '../../src/domain/errors.ts';
import type { NewToken, TokenStore } from '../../src/operations/ports/token-store.ts';
import {
  importedToken,
  newAnswer,
  newToken,
  smallToken,
  twins,
} from '../contract/token-store-rows.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

let database: TestDatabase;
let pool: Pool;
let store: TokenStore;
const sql = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, (client) => client.query(text, values));
const openStore = (name = 'test') => {
  const own = makePool({ connectionString: database.serviceUrl, max: 4, name });
  return { pool: own, store: makeTokenStore({ pool: own, clock, random: randomBytes }) };
};
before(async () => {
  database = await createTestDatabase();
  ({ pool, store } = openStore());
  await ensureVault({ pool, clock }, 'one');
});
after(async () => {
  await pool.end();
  await database.drop();
});

const isStoreFailure = (error: unknown) =>
  error instanceof VaultError && error.code === 'store_unavailable';

it('inserters of the same values in opposite orders do not deadlock', async () => {
  // Pools without time limits: a busy machine may be slow, but only a deadlock is a deadlock.
  const pools = Array.from(
    { length: 4 },
    () => new Pool({ connectionString: database.serviceUrl, max: 4 }),
  );
  const stores = pools.map((each) => makeTokenStore({ pool: each, clock, random: randomBytes }));
  const copy = ({ shard, fingerprint }: NewToken) =>
    newToken({ shard, ...(fingerprint && { fingerprint }) });
  const race = (values: NewToken[]) =>
    Promise.all(
      stores.flatMap((each, index) =>
        (index % 2 === 0 ? values : values.toReversed()).map((value) => each.insert(copy(value))),
      ),
    );
  for (let round = 0; round < 5; round += 1) {
    const results = await race(Array.from({ length: 500 }, () => twins()[0]));
    assert.equal(results.filter(({ kind }) => kind === 'inserted').length, 500);
    assert.equal(results.filter(({ kind }) => kind === 'known').length, 1_500);
  }
  // Ended connections have handed in their statistics.
  await Promise.all(pools.map((each) => each.end()));
  const { rows } = await sql(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  assert.deepEqual(rows, [{ deadlocks: 0 }]);
});

it('a row that the database refuses fails alone, not its neighbours in the batch', async () => {
  const bad = newToken({ sealed: Buffer.alloc(3) });
  const rows = [newToken(), bad, ...Array.from({ length: 50 }, () => newToken())];
  const settled = await Promise.allSettled(rows.map((row) => store.insert(row)));
  const refused = settled.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 1);
  assert.equal(settled[1]?.status, 'rejected');
});

it('a token with NUL in it fails alone', async () => {
  const row = newToken();
  await store.insert(row);
  const [found, nul] = await Promise.allSettled([
    store.find(row),
    store.find({ ...row, token: 'a\0b' }),
  ]);
  assert.ok(found?.status === 'fulfilled' && found.value?.token === row.token);
  assert.equal(nul?.status, 'rejected');
});

it('no error holds a token or sealed bytes', async () => {
  const bad = newToken({ token: `tok_secret${'\0'}`, sealed: Buffer.alloc(3, 0xab) });
  const failure: unknown = await store.insert(bad).catch((error: unknown) => error);
  assert.ok(failure instanceof VaultError);
  let shown = '';
  for (let each: unknown = failure; each instanceof Error; each = each.cause) {
    shown += `${each.stack}${JSON.stringify(each)}`;
  }
  assert.doesNotMatch(shown, /secret|ababab/);
});

it('links are stored with the token, and revoking takes them along', async () => {
  const subject = { vaultId: 1, digest: randomBytes(32), sealedSecret: randomBytes(77) };
  const first = await store.ensureSubject(subject);
  const second = await store.ensureSubject({ ...subject, digest: randomBytes(32) });
  const row = newToken({ subjectId: first.id });
  await store.insert(row);
  await store.link({ ...row, subjectId: second.id });
  const links = async () =>
    (await sql('select subject_id from token_subject where token = $1', [row.token])).rows;
  assert.equal((await links()).length, 2);
  await store.revoke(row);
  assert.deepEqual(await links(), []);
  assert.equal((await sql('select from token where token = $1', [row.token])).rowCount, 0);
});

it('a row whose subject is gone is not found any more', async () => {
  const subject = { vaultId: 1, digest: randomBytes(32), sealedSecret: randomBytes(77) };
  const { id } = await store.ensureSubject(subject);
  const row = newToken({ subjectId: id, sealedForSubject: true });
  await store.insert(row);
  await sql('delete from subject where id = $1', [id]);
  assert.equal(await store.find(row), undefined);
});

it('stores the key version that the sealed bytes carry', async () => {
  const row = newToken();
  row.sealed.writeUInt32BE(70_000, 1);
  await store.insert(row);
  const { rows } = await sql('select key_version from token where token = $1', [row.token]);
  assert.deepEqual(rows, [{ key_version: 70_000 }]);
});

it('what was acknowledged while connections are killed is there, and revoked exactly once', async () => {
  const own = openStore('test-victim');
  let killing = true;
  let answered = 0;
  let kills = 0;
  const killer = withClient(database.ownerUrl, async (client) => {
    while (killing) {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'test-victim' and datname = current_database() and random() < 0.5`,
      );
      kills += rowCount ?? 0;
      await sleep(10 + Math.random() * 20);
    }
  });
  const work = async () => {
    // On a slow machine the killer may not have had its turns by then.
    for (let turn = 0; turn < 20 || (kills < 3 && turn < 2_000); turn += 1) {
      const [row] = twins();
      // A fault may still surface, as an error; what must not happen is a wrong answer.
      const result = await own.store.insert(row).catch((error: unknown) => {
        assert.ok(isStoreFailure(error));
      });
      if (result) {
        assert.equal(result.kind, 'inserted');
        const revoked = await own.store.revoke(row).catch((error: unknown) => {
          assert.ok(isStoreFailure(error));
        });
        assert.notEqual(revoked, false);
        if (revoked) {
          answered += 1;
          assert.equal(await store.find(row), undefined);
        }
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: 32 }, work));
  } finally {
    killing = false;
    await killer;
    await own.pool.end();
  }
  assert.ok(kills >= 3 && answered >= 32, `${kills} kills, ${answered} answers`);
});

it('an insert that the server warns about is looked at again before it is believed', async () => {
  await sql(`create function warn() returns trigger language plpgsql as
    $$ begin raise warning 'canceling wait'; return null; end $$;
    create trigger warn after insert on token for each statement execute function warn()`);
  const own = openStore();
  let thrownAway = 0;
  own.pool.on('release', (error) => {
    thrownAway += error ? 1 : 0;
  });
  const row = newToken();
  assert.deepEqual(await own.store.insert(row), { kind: 'inserted' });
  assert.equal(thrownAway, 1);
  assert.deepEqual((await store.find(row))?.sealed, row.sealed);
  await sql('drop trigger warn on token');
  await own.pool.end();
});

it('a server that is away is store_unavailable, not a wrong answer', async () => {
  const away = new URL(database.serviceUrl);
  away.port = '1';
  const lost = makePool({ connectionString: away.href, max: 1, name: 'test' });
  const dead = makeTokenStore({ pool: lost, clock, random: randomBytes });
  await assert.rejects(dead.find(newToken()), isStoreFailure);
  await assert.rejects(dead.insert(newToken()), isStoreFailure);
  await lost.end();
});

it('an answer older than 24 hours counts as none, and its key may be used anew', async () => {
  const first = newToken({ idempotency: newAnswer() });
  const { key } = first.idempotency ?? assert.fail();
  await store.insert(first);
  await sql(`update idempotency set created_at = now() - interval '23 hours 59 minutes'`);
  const second = newToken({ idempotency: { ...newAnswer(), key } });
  assert.equal((await store.insert(second)).kind, 'replayed');
  await sql(`update idempotency set created_at = now() - interval '24 hours'`);
  assert.equal(await store.findAnswer({ vaultId: 1, key }), undefined);
  assert.deepEqual(await store.insert(second), { kind: 'inserted' });
  assert.deepEqual(await store.findAnswer({ vaultId: 1, key }), second.idempotency);
});

it('tags and spaces are stored with the token; revoking takes all but the tombstone', async () => {
  const tags = [randomBytes(16), randomBytes(16)];
  const row = smallToken({ tags, fieldId: 9, small: { tombstone: randomBytes(16), space: -300 } });
  const tombstone = row.small?.tombstone ?? assert.fail();
  await store.insert(row);
  const tagged = () => sql('select tag from token_tag where token = $1 order by tag', [row.token]);
  assert.deepEqual(
    (await tagged()).rows.map(({ tag }) => tag),
    tags.toSorted(Buffer.compare),
  );
  const [stored] = (await sql('select space from token where token = $1', [row.token])).rows;
  assert.equal(stored.space, -300);
  await store.revoke({ ...row, tombstone });
  assert.equal((await tagged()).rowCount, 0);
  const text = 'select shard, vault_id, field_id, space from tombstone where digest = $1';
  assert.deepEqual((await sql(text, [tombstone])).rows, [
    { shard: row.shard, vault_id: 1, field_id: 9, space: -300 },
  ]);
});

it('the row that holds the fingerprint of an imported token ends with it', async () => {
  const row = importedToken(twins()[0]);
  const { token: alias } = row.alias ?? assert.fail();
  await store.import(row);
  const rows = async () => (await sql('select from token where token = $1', [alias])).rowCount;
  assert.equal(await rows(), 1);
  await store.revoke(row);
  assert.equal(await rows(), 0);
});
