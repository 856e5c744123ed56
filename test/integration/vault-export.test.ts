import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Decrypter } from 'age-encryption';
import { withClient } from '../helpers/database.ts';
import type { TestService } from '../helpers/service.ts';
import { ask, exportTo, openDrill, runCommand } from '../helpers/vault-drill.ts';

/** Of each field, values that are searched for in the file. */
const VALUES: Record<string, string[]> = {
  name: ['Ada Lovelace-Canary', 'Grace Hopper-Canary'],
  email: ['canary.one@example.com', 'canary.two@example.com'],
  pan: ['4111111111111111', '5500005555555559'],
  member: ['48151623', '42108642'],
  loyalty: ['770000000012345678'],
  note: ['a canary in a note'],
  once: ['a canary that sings twice'],
  brief: ['a canary for a month'],
};
const OWN = { field: 'email', value: 'imported.canary@example.com', token: 'crm-000042' };

type Held = { field: string; value: string; token: string };

let drill: Awaited<ReturnType<typeof openDrill>>;
let file: string;
const held: Held[] = [];
let dead: Held[] = [];

const tokenize = async (service: TestService, body: { field: string; value: string }) => {
  const { token } = await ask(service, 'all', 'tokenize', body);
  return { ...body, token: String(token) };
};

const reveal = (service: TestService, { token, field }: Held) =>
  service.post('all', 'detokenize', { token, field });

before(async () => {
  drill = await openDrill();
  const source = drill.source.service();
  for (const [field, values] of Object.entries(VALUES)) {
    for (const value of values) held.push(await tokenize(source, { field, value }));
  }
  const { items } = await ask(source, 'all', 'tokens/import', { items: [OWN] });
  assert.deepEqual(items, [{ token: OWN.token }]);
  held.push(OWN);
  const of = (subject: string) => ({ subject, metadata: { order: `order-${subject}` } });
  const personal = { field: 'name', value: 'Personal Canary' };
  held.push(await tokenize(source, { ...personal, ...of('stays') }));
  const erased = await tokenize(source, { field: 'member', value: '31337007', ...of('goes') });
  const revoked = await tokenize(source, { field: 'member', value: '31337008' });
  await ask(source, 'privacy', 'subjects/erase', { subject: 'goes' });
  await ask(source, 'all', 'tokens/revoke', { tokens: [revoked.token] });
  dead = [erased, revoked];
  const [once] = held.filter(({ field }) => field === 'once');
  assert.ok(once);
  assert.equal((await reveal(source, once)).status, 200);

  file = join(drill.folder, 'demo.age');
  const exported = await exportTo(source, file);
  assert.equal(exported.code, 0, exported.err);
  const args = ['restore', '--in', file, '--identity', drill.identity];
  const restored = await runCommand(args, drill.target.env);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.out, /^restored vault demo as of 20.*: \d+ tokens, 1 subjects, 7 keys$/m);
  await drill.target.restart();
});
after(() => drill.close());

/** The export in clear, as any other implementation of age gives it. */
async function openFile(): Promise<string> {
  const decrypter = new Decrypter();
  const identity = await readFile(drill.identity, 'utf8');
  decrypter.addIdentity(identity.split('\n')[1] ?? '');
  return decrypter.decrypt(await readFile(file), 'text');
}

test('the vault got a number of its own, and stays bound to the one that it had', async () => {
  const { rows } = await withClient(drill.target.database.ownerUrl, (client) =>
    client.query('select id, name, seal_id from vault where id > 0 order by id'),
  );
  assert.deepEqual(rows, [
    { id: 1, name: 'other', seal_id: null },
    { id: 2, name: 'demo', seal_id: 1 },
  ]);
});

test('every token opens to the same value in the other installation', async () => {
  for (const one of held) {
    const { status, body, text } = await reveal(drill.target.service(), one);
    assert.equal(status, 200, `${one.field}: ${text}`);
    assert.equal(body.value, one.value);
  }
});

test('reveals that were used up before are used up there', async () => {
  const [once] = held.filter(({ field }) => field === 'once');
  assert.ok(once);
  // One before the export, one in the test above.
  const answer = await reveal(drill.target.service(), once);
  assert.equal(answer.body.code, 'token_not_found');
});

test('known values keep their tokens, imported ones too', async () => {
  for (const { field, value, token } of held) {
    if (!['email', 'pan', 'loyalty', 'note'].includes(field)) continue;
    const again = await tokenize(drill.target.service(), { field, value });
    assert.equal(again.token, token, field);
  }
});

test('who and what ended stays ended, and its token is never issued again', async () => {
  for (const one of dead) {
    assert.equal((await reveal(drill.target.service(), one)).body.code, 'token_not_found');
    const again = { field: one.field, value: one.value, token: one.token };
    const { items } = await ask(drill.target.service(), 'all', 'tokens/import', { items: [again] });
    assert.equal(items[0].error?.code, 'token_conflict');
  }
  const tables = ['tombstone', 'revocation', 'erasure'];
  for (const table of tables) {
    const counts = await Promise.all(
      [drill.source, drill.target].map(({ database }) =>
        withClient(database.ownerUrl, (client) => client.query(`select from ${table}`)),
      ),
    );
    assert.equal(counts[0]?.rowCount, counts[1]?.rowCount, table);
    assert.ok(Number(counts[0]?.rowCount) > 0, table);
  }
});

test('metadata can be read and searched for there', async () => {
  const tags = { order: 'order-stays' };
  const { items } = await ask(drill.target.service(), 'all', 'tokens/search', { tags });
  assert.equal(items.length, 1);
  const { token } = items[0];
  const { metadata } = await ask(drill.target.service(), 'all', 'tokens/inspect', { token });
  assert.deepEqual(metadata, tags);
});

test('new persons get numbers beyond those who came along, and erasing works', async () => {
  const service = drill.target.service();
  const value = { field: 'name', value: 'Newcomer', subject: 'new' };
  const { token } = await ask(service, 'all', 'tokenize', value);
  const { rows } = await withClient(drill.target.database.ownerUrl, (client) =>
    client.query('select count(distinct id)::int as n, count(*)::int as all from subject'),
  );
  assert.deepEqual(rows, [{ n: 2, all: 2 }]);
  for (const subject of ['stays', 'new']) {
    const { fields } = await ask(service, 'privacy', 'subjects/export', { subject });
    assert.equal(fields.name.length, 1);
    assert.equal((await ask(service, 'privacy', 'subjects/erase', { subject })).erased, 1);
  }
  assert.equal((await reveal(service, { ...value, token })).body.code, 'token_not_found');
});

test('nothing can be told from the file but by the identity', async () => {
  const bytes = await readFile(file);
  assert.match(bytes.subarray(0, 60).toString('latin1'), /^age-encryption\.org\/v1\n-> X25519 /);
  const plain = await openFile();
  const keys = [...plain.matchAll(/"key":"([0-9a-f]{64})"/g)].map(([, key = '']) => key);
  assert.equal(new Set(keys).size, 7);
  const secrets = [
    ...held.flatMap(({ value, token }) => [value, token]),
    ...keys.flatMap((key) => [key, Buffer.from(key, 'hex')]),
    'demo',
    'counterfoil',
  ];
  for (const secret of secrets) assert.ok(!bytes.includes(secret));
  // Nor is any value open inside of it.
  for (const { value } of [...held, ...dead]) assert.ok(!plain.includes(value));
});

test('the log of the source tells of the export and its extent, that of the target of the vault', async () => {
  const plain = await openFile();
  const end = JSON.parse(plain.trimEnd().split('\n').at(-1) ?? '');
  const told = await eventsOf(drill.source, 'vault.export');
  assert.deepEqual(told, [undefined, { complete: true, sha256: end.sha256, rows: end.counts }]);
  const [restored] = await eventsOf(drill.target, 'vault.restore');
  assert.deepEqual(restored?.['rows'], end.counts);
  assert.equal((await eventsOf(drill.target, 'vault.create')).length, 2);
});

type Installation = Awaited<ReturnType<typeof openDrill>>['source'];
type Attributes = Record<string, unknown> | undefined;

/** What events of this action say in the open, the oldest first. */
async function eventsOf({ env }: Installation, action: string): Promise<Attributes[]> {
  const { out, err, code } = await runCommand(['audit', 'tail', '--json', '--limit', '500'], env);
  assert.equal(code, 0, err);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).leaf)
    .filter(({ op }) => op === action)
    .map(({ attr }) => attr);
}
