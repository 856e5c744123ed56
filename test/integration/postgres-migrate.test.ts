import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, it } from 'node:test';
import { checkSchema, migrate } from '../../src/adapters/postgres/migrate.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { VaultError } from '../../src/domain/errors.ts';
import {
  createEmptyDatabase,
  MIGRATIONS,
  type TestDatabase,
  withClient,
} from '../helpers/database.ts';

let database: TestDatabase;
let directory: string;
let names: string[];
before(async () => {
  names = (await readdir(MIGRATIONS)).filter((name) => /^\d/.test(name)).sort();
});
beforeEach(async () => {
  database = await createEmptyDatabase();
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  await cp(MIGRATIONS, directory, { recursive: true });
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const run = () => migrate({ connectionString: database.ownerUrl, directory });
const add = (name: string, sql: string) => writeFile(join(directory, name), sql);
const saying = (text: RegExp) => (error: unknown) =>
  error instanceof VaultError && text.test(error.message) && !error.message.includes('\n');
const next = () => String(names.length + 1).padStart(4, '0');

it('20 concurrent starters migrate a fresh database exactly once', async () => {
  const applied = await Promise.all(Array.from({ length: 20 }, run));
  assert.deepEqual(applied.flat().sort(), names);
  assert.deepEqual(await run(), []);
});

it('a migration that fails leaves nothing of itself, and the next start goes on from there', async () => {
  const broken = `${next()}_broken.sql`;
  await add(broken, 'create table half (id int); insert into half values (1 / 0);');
  await assert.rejects(run(), saying(/_broken\.sql failed \(SQLSTATE 22012\)/));
  const tables = await withClient(database.ownerUrl, (client) =>
    client.query(
      `select to_regclass('half') as half, max(version) as version from schema_migration`,
    ),
  );
  assert.deepEqual(tables.rows, [{ half: null, version: names.length }]);
  await add(broken, 'create table whole (id int);');
  assert.deepEqual(await run(), [broken]);
});

it('a migration that was edited after it ran is refused', async () => {
  await run();
  await add(names[0] ?? '', 'select 1;');
  await assert.rejects(run(), saying(/was changed after this database ran it/));
});

it('a database that is newer than the code is refused', async () => {
  await add(`${next()}_newer.sql`, 'select 1;');
  await run();
  await rm(join(directory, `${next()}_newer.sql`));
  await assert.rejects(run(), saying(/newer than this release/));
});

it('a missing number is refused', async () => {
  await rm(join(directory, names[1] ?? ''));
  await assert.rejects(run(), saying(/should have number 2/));
});

it('a server refuses an empty, an old and a newer schema, and accepts its own', async () => {
  const pool = makePool({ connectionString: database.serviceUrl, max: 1, name: 'test' });
  const check = () => checkSchema({ pool, directory });
  await assert.rejects(check(), saying(/lacks \d migrations; run "counterfoil migrate"/));
  await run();
  await check();
  await add(`${next()}_newer.sql`, 'select 1;');
  await assert.rejects(check(), saying(/lacks 1 migrations/));
  await run();
  await rm(join(directory, `${next()}_newer.sql`));
  await assert.rejects(check(), saying(/newer than this release/));
  await pool.end();
});

it('a database that cannot be reached is store_unavailable', async () => {
  const unreachable = new URL(database.ownerUrl);
  unreachable.port = '1';
  await assert.rejects(
    migrate({ connectionString: unreachable.href, directory }),
    (error) => error instanceof VaultError && error.code === 'store_unavailable',
  );
});
