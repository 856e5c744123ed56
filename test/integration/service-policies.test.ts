import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { readPolicyFolder } from '../../src/app/policy-files.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { oneFieldPolicy as policy } from '../helpers/policies.ts';
import { startTestService } from '../helpers/service.ts';

const FIRST = policy('masked');
const SECOND = policy('full');

let database: TestDatabase;
let folder: string;
let rootKey: Buffer | undefined;
before(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-policies-'));
});
after(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts with a policies folder, asks for the full value, and gives the answer with its event. */
async function askUnder(policies: readonly string[]) {
  const { serviceUrl: databaseUrl } = database;
  const service = await startTestService({ databaseUrl, policies, ...(rootKey && { rootKey }) });
  rootKey = service.rootKey;
  const ask = { field: 'email', value: 'ada@example.com' };
  const { token } = (await service.post('app', 'tokenize', ask)).body;
  const answer = await service.post('support', 'detokenize', { token, purpose: 'support-ticket' });
  await service.close();
  const leaves = await readLeaves(database.ownerUrl);
  const event = leaves.find(({ leaf }) => leaf.id === answer.headers.get('audit-event-id'));
  return { status: answer.status, token, policy: String(event?.leaf['pol']) };
}

const versions = async () =>
  (
    await withClient(database.ownerUrl, (client) =>
      client.query(`select version from policy_version p join vault v on v.id = p.vault_id
        where v.name = 'demo' order by version`),
    )
  ).rows.map(({ version }) => version);

it('applies a changed file as the next version, cites it, and keeps tokens and field ids', async () => {
  const under = { first: await askUnder([FIRST]), again: await askUnder([FIRST]) };
  assert.deepEqual(await versions(), [1]);
  assert.equal(under.first.status, 403);
  assert.match(under.first.policy, /^1:[0-9a-f]{64}$/);
  assert.deepEqual(under.again, under.first);

  const second = await askUnder([SECOND]);
  assert.deepEqual(await versions(), [1, 2]);
  assert.equal(second.status, 200);
  assert.match(second.policy, /^2:[0-9a-f]{64}$/);
  assert.equal(second.token, under.first.token);
});

it('does not let a file that was replaced come back, nor a vault end with its file', async () => {
  const old = await askUnder([FIRST]);
  assert.deepEqual([old.status, old.policy.slice(0, 2)], [200, '2:']);
  const none = await askUnder([]);
  assert.deepEqual([none.status, none.policy.slice(0, 2)], [200, '2:']);
  assert.deepEqual(await versions(), [1, 2]);
});

it('puts each vault that it makes and each policy that it loads on record', async () => {
  const leaves = await readLeaves(database.ownerUrl);
  const count = (op: string) => leaves.filter(({ leaf }) => leaf['op'] === op).length;
  assert.deepEqual([count('vault.create'), count('policy.load')], [1, 2]);
});

it('lists every problem of every file at once, each led by its file', async () => {
  const texts = {
    'a-syntax.yaml': 'vault: [',
    'b-fields.yml': FIRST.replace('fields: [email], views', 'fields: [mail], views').replace(
      'type: email',
      'type: e-mail',
    ),
    'c-twice.yaml': FIRST,
    'd-twice.yaml': SECOND,
    'e-fine.yaml': policy('masked', 'other'),
    'f-unknown-key.yaml': `${policy('masked', 'third')}\nextra: 1\n`,
    'ignored.txt': 'not a policy',
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  await assert.rejects(readPolicyFolder(folder), (error: unknown) => {
    assert.ok(error instanceof VaultError && error.code === 'policy_invalid');
    const files = error.problems.map(({ path }) => path.split(':')[0]);
    assert.deepEqual(
      [...new Set(files)],
      ['a-syntax.yaml', 'b-fields.yml', 'd-twice.yaml', 'f-unknown-key.yaml'],
    );
    assert.ok(files.filter((file) => file === 'b-fields.yml').length >= 2);
    return true;
  });
});

it('does not start with a policy that changes a field under its tokens, and goes on with the old one', async () => {
  const changed = SECOND.replace('prefix: eml', 'prefix: mail');
  await assert.rejects(askUnder([changed]), (error: unknown) => {
    assert.ok(error instanceof VaultError && error.code === 'policy_conflict');
    assert.deepEqual(
      error.problems.map(({ path }) => path),
      ['vault demo: fields.email.token.format'],
    );
    return true;
  });
  assert.deepEqual(await versions(), [1, 2]);
  assert.equal((await askUnder([SECOND])).status, 200);
});

it('refuses, by path, the parts of the format that are not built yet', async () => {
  const unbuilt = policy('masked').replace(
    'purpose: true }',
    'purpose: true, approval: { n: 2 } }, breakGlass: true',
  );
  const { serviceUrl: databaseUrl } = database;
  const start = async () => {
    await (await startTestService({ databaseUrl, policies: [unbuilt] })).close();
  };
  await assert.rejects(start(), (error: unknown) => {
    assert.ok(error instanceof VaultError && error.code === 'policy_invalid');
    const paths = error.problems.filter(({ rule }) => rule === 'not_built').map(({ path }) => path);
    assert.deepEqual(paths.sort(), [
      'roles.support[0].breakGlass',
      'roles.support[0].require.approval',
    ]);
    return true;
  });
  assert.deepEqual(await versions(), [1, 2]);
});
