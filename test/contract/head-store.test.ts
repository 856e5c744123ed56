import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { makePostgresHeadStore } from '../../src/adapters/postgres/heads.ts';
import { createEmptyDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { headOf, runHeadStoreContract } from './head-store.ts';

const origin = 'log.test/audit/2026';
let root: string;
let database: TestDatabase;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'heads-'));
  database = await createEmptyDatabase();
});
after(async () => {
  await rm(root, { recursive: true });
  await database.drop();
});

let folder = 0;
runHeadStoreContract('folder', async ({ fresh }) => {
  folder += fresh ? 1 : 0;
  return makeFileHeadStore(join(root, String(folder)));
});

runHeadStoreContract('postgres', async ({ fresh }) => {
  if (fresh) await forget();
  return makePostgresHeadStore(database.ownerUrl);
});

const forget = () =>
  withClient(database.ownerUrl, (client) =>
    client.query('drop table if exists counterfoil_audit_head'),
  );

test('the files are their owner’s only, and old ones go', async () => {
  const place = join(root, 'private');
  const heads = makeFileHeadStore(place);
  for (const size of [1, 2, 3, 4, 5]) {
    const expectedSize = size === 1 ? undefined : size - 1;
    assert(await heads.advance({ origin, head: headOf(size), expectedSize }));
  }
  const files = await readdir(place);
  assert.deepEqual(files.sort(), [
    'log.test%2Faudit%2F2026.4.checkpoint',
    'log.test%2Faudit%2F2026.5.checkpoint',
  ]);
  for (const file of files) {
    assert.equal((await stat(join(place, file))).mode & 0o777, 0o600);
  }
  assert.equal((await stat(place)).mode & 0o777, 0o700);
});

const UNUSABLE = {
  'an empty file': '',
  'half a checkpoint': headOf(5).note.slice(0, 40),
  'a checkpoint of another log': headOf(5, 'other.test/audit/2026').note,
};

for (const [what, content] of Object.entries(UNUSABLE)) {
  test(`folder: ${what} is no head, and is not replaced by one`, async () => {
    const place = await mkdtemp(join(root, 'broken-'));
    await writeFile(join(place, `${encodeURIComponent(origin)}.3.checkpoint`), content);
    const heads = makeFileHeadStore(place);
    await assert.rejects(heads.read(origin), { code: 'internal' });
    const step = { origin, head: headOf(9), expectedSize: undefined };
    await assert.rejects(heads.advance(step), { code: 'internal' });
  });

  test(`postgres: ${what} is no head`, async () => {
    await forget();
    const heads = makePostgresHeadStore(database.ownerUrl);
    assert.equal(await heads.read(origin), undefined);
    await withClient(database.ownerUrl, (client) =>
      client.query('insert into counterfoil_audit_head (origin, size, note) values ($1, 5, $2)', [
        origin,
        content,
      ]),
    );
    await assert.rejects(heads.read(origin), { code: 'internal' });
    await heads.close();
  });
}

test('postgres: a size beside a checkpoint of another size is no head', async () => {
  await forget();
  const heads = makePostgresHeadStore(database.ownerUrl);
  assert(await heads.advance({ origin, head: headOf(5), expectedSize: undefined }));
  await withClient(database.ownerUrl, (client) =>
    client.query('update counterfoil_audit_head set size = 4'),
  );
  await assert.rejects(heads.read(origin), { code: 'internal' });
  await heads.close();
});

test('postgres: a database that does not answer is no empty memory', async () => {
  await forget();
  const url = new URL(database.ownerUrl);
  const heads = makePostgresHeadStore(url.href.replace(url.port, '1'));
  await assert.rejects(heads.read(origin), { code: 'store_unavailable' });
  await heads.close();
});

test('a folder’s drafts and foreign files do not count', async () => {
  const place = await mkdtemp(join(root, 'others-'));
  for (const name of [
    'draft.00',
    `${encodeURIComponent(origin)}.9.checkpoint.bak`,
    'x.7.checkpoint',
  ]) {
    await writeFile(join(place, name), 'nothing');
  }
  assert.equal(await makeFileHeadStore(place).read(origin), undefined);
});
