import assert from 'node:assert/strict';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { backUp, restore } from '../helpers/database-copies.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import { waitFor } from './whole-log.ts';

// People who were erased after the backup was made that the database is put back to.

/** A running service looks every 30 s, and leaves the last 10 s to those who are at work. */
const REPLAYED_WITHIN_MS = 180_000;

let headFolder: string;
let database: TestDatabase;
let service: TestService;
before(async () => {
  headFolder = await mkdtemp(join(tmpdir(), 'counterfoil-restored-'));
  database = await createTestDatabase();
  service = await start();
});
after(async () => {
  await service?.close();
  await database?.drop();
  await rm(headFolder, { recursive: true, force: true });
});

const start = (rootKey?: Buffer) =>
  startTestService({
    databaseUrl: database.serviceUrl,
    headFolder,
    ...(rootKey === undefined ? {} : { rootKey }),
  });

async function post(role: string, path: string, body: unknown) {
  const answer = await service.post(role, path, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

/** A name of this person's own, and an e-mail address that somebody else has, too. */
async function tokenizeAll(subject: string) {
  const tokenize = async (field: string, value: string, of = subject): Promise<string> =>
    (await post('app', 'tokenize', { field, value, subject: of })).token;
  const email = `family-of-${subject}@example.com`;
  await tokenize('email', email, `${subject}-friend`);
  return { name: await tokenize('name', 'Ada Lovelace'), email: await tokenize('email', email) };
}

const statusOf = async (token: string) =>
  (await service.post('supervisor', 'tokens/inspect', { token })).status;

const erase = (subject: string) => post('privacy', 'subjects/erase', { subject });
const exported = async (subject: string) =>
  (await post('privacy', 'subjects/export', { subject })).fields;

async function metricOf(name: string): Promise<number> {
  const text = await (await fetch(`${service.admin}/metrics`)).text();
  return Number(new RegExp(`^counterfoil_erasure_${name} (.*)$`, 'm').exec(text)?.[1]);
}

const query = (sql: string) =>
  withClient(database.ownerUrl, async (client) => (await client.query(sql)).rows);

test('a service that starts on an older backup reads nothing of whom it has erased since', async () => {
  const { name, email } = await tokenizeAll('ada');
  const other = await tokenizeAll('ben');
  await service.close();
  await backUp(database.ownerUrl);
  service = await start(service.rootKey);
  assert.equal((await erase('ada')).erased, 1);
  await service.close();
  await restore(database.ownerUrl);
  assert.deepEqual(await query('select from erasure'), []);

  service = await start(service.rootKey);
  assert.equal(await statusOf(name), 404);
  assert.deepEqual(await exported('ada'), {});
  assert.equal(await statusOf(email), 200, 'it is the friend’s, too');
  assert.equal((await erase('ada-friend')).erased, 1);
  assert.equal(await statusOf(email), 404);
  assert.equal(await statusOf(other.name), 200);
});

test('a service that goes on while its database is put back erases them again by itself', async () => {
  const { name } = await tokenizeAll('carl');
  const replayed = await metricOf('replayed_total');
  await backUp(database.ownerUrl);
  await waitFor('it serves', async () => (await statusOf(name)) === 200);
  assert.equal((await erase('carl')).erased, 1);
  assert.equal(await statusOf(name), 404);
  await restore(database.ownerUrl);
  const isGone = async () => (await statusOf(name)) === 404;
  await waitFor('the person is gone again', isGone, REPLAYED_WITHIN_MS);
  assert.deepEqual(await exported('carl'), {});
  assert.equal(await metricOf('replayed_total'), replayed + 1);
});

test('each replay is on record as the service’s own, with the time of the erasure that it repeats', async () => {
  const search = { action: 'subject.erase', vault: 'demo' };
  let replays: { actor?: unknown; attributes?: { replayOf?: string } }[] = [];
  await waitFor('the events are found', async () => {
    const response = await fetch(`${service.http}/v1/audit/search`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.tokenFor('auditor')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(search),
    });
    if (response.status !== 200) return false;
    const { events } = (await response.json()) as { events: typeof replays };
    replays = events.filter(({ attributes }) => attributes?.replayOf !== undefined);
    return replays.length > 0;
  });
  for (const { actor } of replays) assert.equal(actor, undefined);
});

test('nobody is erased on the word of an entry that somebody wrote into the journal', async () => {
  const { name } = await tokenizeAll('dora');
  const folder = join(headFolder, 'erasures');
  const [file = ''] = await readdir(folder);
  const [victim] = await query(
    `select encode(digest, 'hex') as digest from subject order by id desc limit 1`,
  );
  // A true entry under a name that says of another person.
  const [vault, atMs] = file.split('.');
  await rename(join(folder, file), join(folder, `${vault}.${atMs}.${victim.digest}.erasure`));
  const { rootKey } = service;
  await service.close();
  service = await start(rootKey);
  assert.equal(await statusOf(name), 200);
  assert.equal(await metricOf('journal_altered_entries'), 1);
});
