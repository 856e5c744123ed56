import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { randomBytes } from '../../src/crypto/random.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { newToken } from '../contract/token-store-rows.ts';
import { openInstances, type StoreInstances } from '../helpers/store-instances.ts';
import type { TokenStores } from '../helpers/token-stores.ts';

let instances: StoreInstances;
before(async () => {
  instances = await openInstances(4);
});
after(() => instances.close());

const isStoreFailure = (error: unknown) =>
  error instanceof VaultError && error.code === 'store_unavailable';
const first = () => instances.all[0] ?? assert.fail();
const tombstone = () => randomBytes(16);
let lastMs = Date.UTC(2026, 0, 1);

type Person = { vaultId: number; digest: Buffer; sealedSecret: Buffer };
const newPerson = (): Person => ({
  vaultId: 1,
  digest: randomBytes(32),
  sealedSecret: randomBytes(77),
});

function erase({ people }: TokenStores, { vaultId, digest }: Person): Promise<number> {
  lastMs += 1;
  return people.erase({ vaultId, digest, atMs: lastMs, tombstone });
}

/** What is left of a subject's id anywhere, and links or answers that nobody stands behind. */
async function remains(subjectIds: string[]): Promise<unknown> {
  const [row] = await instances.sql(
    `select
      (select count(*)::int from subject where id = any ($1)) as subjects,
      (select count(*)::int from token where subject_id = any ($1)) as sealed,
      (select count(*)::int from token_subject where subject_id = any ($1)) as links,
      (select count(*)::int from idempotency where subject_id = any ($1)) as answers`,
    [subjectIds],
  );
  return row;
}
const NOTHING = { subjects: 0, sealed: 0, links: 0, answers: 0 };

it('no row of a person appears behind their erasure, whoever tokenizes meanwhile', async () => {
  for (let round = 0; round < 5; round += 1) {
    const person = newPerson();
    const { id: subjectId } = await first().store.ensureSubject(person);
    const rows = () =>
      Array.from({ length: 60 }, (_, index) =>
        newToken({
          subjectId,
          sealedForSubject: index % 2 === 0,
          ...(index % 3 === 0 && {
            idempotency: { key: randomBytes(32), body: randomBytes(32), answer: randomBytes(80) },
          }),
        }),
      );
    const [inserted] = await Promise.all([
      Promise.all(
        instances.all.flatMap(({ store }) =>
          rows().map(async (row) => (await store.insert(row)).kind),
        ),
      ),
      Promise.all(instances.all.map((instance) => erase(instance, person))),
    ]);
    assert.ok(inserted.every((kind) => kind === 'inserted' || kind === 'subject_gone'));
    assert.deepEqual(await remains([subjectId]), NOTHING);
  }
});

it('links that race with an erasure keep the row or come too late, and never fail', async () => {
  for (let round = 0; round < 5; round += 1) {
    const [person, other] = [newPerson(), newPerson()];
    const { id: subjectId } = await first().store.ensureSubject(person);
    const { id: otherId } = await first().store.ensureSubject(other);
    const rows = Array.from({ length: 80 }, () => newToken({ subjectId }));
    await Promise.all(rows.map((row) => first().store.insert(row)));
    const [erased] = await Promise.all([
      erase(first(), person),
      ...instances.all
        .slice(1)
        .map(({ store }) =>
          Promise.all(rows.map((row) => store.link({ ...row, subjectId: otherId }))),
        ),
    ]);
    assert.deepEqual(await remains([subjectId]), NOTHING);
    const kept = await first().people.rowsOf({ ...other, limit: 100 });
    assert.equal(kept.length, rows.length - erased);
    assert.ok(kept.every(({ isShared }) => !isShared));
  }
});

it('two persons who share rows and are erased at once leave none of them', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [person, other] = [newPerson(), newPerson()];
    const { id: subjectId } = await first().store.ensureSubject(person);
    const { id: otherId } = await first().store.ensureSubject(other);
    const rows = Array.from({ length: 30 }, () => newToken({ subjectId }));
    await Promise.all(rows.map((row) => first().store.insert(row)));
    await Promise.all(rows.map((row) => first().store.link({ ...row, subjectId: otherId })));
    const [one, two] = instances.all;
    const erased = await Promise.all([
      erase(one ?? assert.fail(), person),
      erase(two ?? assert.fail(), other),
    ]);
    assert.equal((erased[0] ?? 0) + (erased[1] ?? 0), rows.length);
    const found = await Promise.all(rows.map((row) => first().store.find(row)));
    assert.ok(found.every((row) => row === undefined));
    assert.deepEqual(await remains([subjectId, otherId]), NOTHING);
  }
});

it('revokers and sweepers of the same rows do not deadlock with an erasure', async () => {
  const person = newPerson();
  const { id: subjectId } = await first().store.ensureSubject(person);
  const rows = Array.from({ length: 1_200 }, () => newToken({ subjectId }));
  await Promise.all(rows.map((row) => first().store.insert(row)));
  const [one, two, three] = instances.all;
  const [erased, revoked] = await Promise.all([
    erase(one ?? assert.fail(), person),
    Promise.all(rows.map((row) => (two ?? assert.fail()).store.revoke(row))),
    Promise.all(rows.toReversed().map((row) => (three ?? assert.fail()).store.revoke(row))),
  ]).then(([count, a, b]) => [count, [...a, ...b].filter(Boolean).length]);
  assert.equal((erased ?? 0) + (revoked ?? 0), rows.length);
  const [deadlocks] = await instances.sql<{ deadlocks: number }>(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  assert.equal(deadlocks?.deadlocks, 0);
});

it('a person of 20,000 rows goes in one transaction, whole or not at all', async () => {
  const person = newPerson();
  const { id } = await first().store.ensureSubject(person);
  const insert = `
    with rows as (
      insert into token (shard, vault_id, token, field_id, sealed, space)
      select i % 256, 1, 'many' || i, 1, '\\x0100000001'::bytea || decode(repeat('ab', 60), 'hex'),
        case when i % 100 = 0 then 1 end
      from generate_series(1, 20000) i
      returning shard, vault_id, token)
    insert into token_subject select shard, vault_id, token, $1 from rows`;
  await instances.sql(insert, [id]);
  let tombstones = 0;
  const { vaultId, digest } = person;
  const count = () => {
    tombstones += 1;
    return tombstone();
  };
  const failing = { vaultId, digest, atMs: 1 };
  const calls = { left: 180 };
  const fail = () => {
    calls.left -= 1;
    if (calls.left < 0) throw new VaultError('key_unavailable');
    return tombstone();
  };
  // All or nothing: far into it, the keys are gone.
  await assert.rejects(first().people.erase({ ...failing, tombstone: fail }));
  const left = 'select count(*)::int as rows from token_subject where subject_id = $1';
  assert.deepEqual(await instances.sql(left, [id]), [{ rows: 20_000 }]);
  assert.deepEqual(await first().people.unknownErasures([failing]), [failing]);
  assert.equal(await first().people.erase({ ...failing, tombstone: count }), 20_000);
  assert.equal(tombstones, 200);
  assert.deepEqual(await remains([id]), NOTHING);
  assert.deepEqual(await first().people.unknownErasures([failing]), []);
});

it('an erasure whose commit is in doubt is looked at again, and its number is right', async () => {
  const person = newPerson();
  const { id: subjectId } = await first().store.ensureSubject(person);
  for (let index = 0; index < 3; index += 1) await first().store.insert(newToken({ subjectId }));
  await instances.sql(`create function warn() returns trigger language plpgsql as
    $$ begin raise warning 'canceling wait'; return null; end $$;
    create trigger warn after insert on erasure for each row execute function warn()`);
  try {
    assert.equal(await erase(first(), person), 3);
  } finally {
    await instances.sql('drop trigger warn on erasure');
  }
  assert.deepEqual(await remains([subjectId]), NOTHING);
});

it('a server that is away is store_unavailable', async () => {
  const { people } = instances.away();
  const erasure = { ...newPerson(), atMs: 1, tombstone };
  await assert.rejects(people.rowsOf({ ...erasure, limit: 1 }), isStoreFailure);
  await assert.rejects(people.erase(erasure), isStoreFailure);
  await assert.rejects(people.unknownErasures([erasure]), isStoreFailure);
});
