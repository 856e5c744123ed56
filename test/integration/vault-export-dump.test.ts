import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeVaultDump } from '../../src/adapters/postgres/vault-dump.ts';
import { DUMPED_COLUMNS } from '../../src/adapters/postgres/vault-dump-tables.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import type { VaultSnapshot } from '../../src/operations/ports/vault-dump.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

const DOCUMENT = 'a policy';
const VAULT = { vaultId: 7, policyHash: sha256(DOCUMENT) };

/** What stays behind, and why it may. */
const LEFT_BEHIND = [
  // Made anew, signed and wrapped by the keys of the installation.
  'field',
  'policy_version',
  'key_version',
  // Hours old at most; spent in the installation where they were taken.
  'idempotency',
  'budget_lease',
];

let database: TestDatabase;
let pool: Pool;
const sql = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, (client) => client.query(text, values));
const bury = (n: number) =>
  sql(
    `insert into tombstone (shard, vault_id, digest, field_id)
     select 1, 7, substring(sha256(i::text::bytea) for 16), 1 from generate_series(1, $1) i
     on conflict do nothing`,
    [n],
  );

before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 3, name: 'test' });
  await sql(`insert into vault (id, name, seal_id) values (7, 'demo', 3)`);
  const values = [DOCUMENT, VAULT.policyHash];
  await sql(
    `insert into policy_version (vault_id, version, document, hash, mac) values (7, 1, $1, $2, sha256(''))`,
    values,
  );
  await bury(1200);
});
after(async () => {
  await pool.end();
  await database.drop();
});

const countRows = async ({ pages }: Pick<VaultSnapshot, 'pages'>): Promise<number> => {
  let count = 0;
  for await (const { rows } of pages) count += rows.length;
  return count;
};

test('every table of a vault goes along, with every column, or is known to stay', async () => {
  const { rows } = await sql(`
    select c.table_name as table, c.column_name as column
    from information_schema.columns c join information_schema.columns v using (table_schema, table_name)
    where v.column_name = 'vault_id' and c.table_schema = 'public' and c.table_name not like 'audit%'
      and c.is_generated = 'NEVER' and c.column_name <> 'vault_id'`);
  const stored = rows.filter(({ table }) => !LEFT_BEHIND.includes(table));
  const dumped = Object.entries(DUMPED_COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((column) => `${table}.${column}`),
  );
  assert.deepEqual(stored.map(({ table, column }) => `${table}.${column}`).sort(), dumped.sort());
});

test('a dump shows one moment, whatever is written meanwhile', async () => {
  const dump = makeVaultDump({ pool });
  const seen = await dump.read(VAULT, async (snapshot) => {
    const { sealId, document, schemaVersion } = snapshot;
    assert.deepEqual({ sealId, document }, { sealId: 3, document: DOCUMENT });
    assert.ok(schemaVersion > 1);
    await bury(1300);
    return countRows(snapshot);
  });
  assert.equal(seen, 1200);
  assert.equal(await dump.read(VAULT, countRows), 1300);
});

test('a policy that is not in the database is never taken from it', async () => {
  const other = { ...VAULT, policyHash: sha256('another') };
  await assert.rejects(makeVaultDump({ pool }).read(other, countRows), { code: 'internal' });
});

test('two run at once and no more, and a failed one makes room', async () => {
  const dump = makeVaultDump({ pool });
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = [1, 2].map(() => dump.read(VAULT, () => promise));
  await assert.rejects(dump.read(VAULT, countRows), { code: 'overloaded' });
  resolve();
  await Promise.all(held);
  const failing = dump.read(VAULT, async () => Promise.reject(new Error('gone')));
  await assert.rejects(failing);
  assert.ok((await dump.read(VAULT, countRows)) > 0);
  assert.equal(pool.waitingCount, 0);
});

test('numbers of subjects are passed, never taken back, and never used up', async () => {
  const asService = (text: string) =>
    withClient(database.serviceUrl, (client) => client.query(text));
  const addSubject = (vaultId: number, id?: string) =>
    sql(
      `insert into subject (vault_id, digest, sealed_secret ${id === undefined ? '' : ', id'})
       overriding system value
       values ($1, sha256(gen_random_uuid()::text::bytea), '' ${id === undefined ? '' : `, ${id}`})
       returning id`,
      [vaultId],
    );
  await sql(`insert into vault (id, name) values (8, 'eight'), (9, 'nine')`);
  await addSubject(7, '50');
  await asService('select subject_pass_ids(7)');
  const [first] = (await addSubject(7)).rows;
  assert.ok(Number(first.id) > 50);
  await addSubject(8, '60');
  await asService('select subject_pass_ids(8)');
  await asService('select subject_pass_ids(9)');
  const [second] = (await addSubject(7)).rows;
  assert.equal(Number(second.id), Number(first.id) + 1);
  await addSubject(9, String(2n ** 61n));
  await assert.rejects(asService('select subject_pass_ids(9)'), /not an id/);
  await assert.rejects(asService(`select setval('subject_id_seq', 1)`), /permission denied/);
});
