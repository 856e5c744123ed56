import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFileJournalStore } from '../../src/adapters/file/erasure-journal.ts';
import { makePostgresJournalStore } from '../../src/adapters/postgres/erasure-journal.ts';
import { createEmptyDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { makeMemoryJournalStore } from '../helpers/memory-journal.ts';
import { runJournalStoreContract } from './journal-store.ts';

let root: string;
let database: TestDatabase;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'journals-'));
  database = await createEmptyDatabase();
});
after(async () => {
  await rm(root, { recursive: true });
  await database.drop();
});

let memory = makeMemoryJournalStore();
runJournalStoreContract('memory', async ({ fresh }) => {
  if (fresh) memory = makeMemoryJournalStore();
  return memory;
});

let folder = 0;
runJournalStoreContract('folder', async ({ fresh }) => {
  folder += fresh ? 1 : 0;
  return makeFileJournalStore(join(root, String(folder), 'erasures'));
});

runJournalStoreContract('postgres', async ({ fresh }) => {
  if (fresh) {
    await withClient(database.ownerUrl, (client) =>
      client.query('drop table if exists counterfoil_erasure'),
    );
  }
  return makePostgresJournalStore(database.ownerUrl);
});

test('the files are their owner’s only', async () => {
  const place = join(root, 'new', 'private');
  await makeFileJournalStore(place).add('1.2.ab', 'text\n');
  assert.deepEqual(await readdir(place), ['1.2.ab.erasure']);
  assert.equal((await stat(join(place, '1.2.ab.erasure'))).mode & 0o777, 0o600);
  assert.equal((await stat(place)).mode & 0o777, 0o700);
});

test('what a crash left half written, and what else lies there, is no entry', async () => {
  const place = join(root, 'crashed');
  const journal = makeFileJournalStore(place);
  await journal.add('1.2.ab', 'text\n');
  await writeFile(join(place, 'draft.0123456789abcdef'), 'te');
  await writeFile(join(place, 'README'), '');
  await mkdir(join(place, '1.3.ab.erasure'));
  assert.deepEqual(await journal.names(), ['1.2.ab']);
});

test('a place that cannot be read or written is told as that', async () => {
  const place = join(root, 'a-file');
  await writeFile(place, '');
  const broken = [
    makeFileJournalStore(place),
    makePostgresJournalStore('postgres://nobody@127.0.0.1:1/none'),
  ];
  for (const journal of broken) {
    await assert.rejects(journal.add('1.2.ab', 'text\n'), { code: 'store_unavailable' });
    await assert.rejects(journal.names(), { code: 'store_unavailable' });
    await journal.close();
  }
});
