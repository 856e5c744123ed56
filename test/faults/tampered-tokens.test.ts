import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { shardOf } from '../../src/domain/tokens/shard.ts';
import { readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { DEMO_POLICY } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

// Whoever can write the token table must not get one value under another's name (AAD, DESIGN §7).
const DEMO = readFileSync(DEMO_POLICY, 'utf8');
const OTHER = DEMO.replace('vault: demo', 'vault: other');
const PURPOSE = 'support-ticket';

let database: TestDatabase;
let service: TestService;
before(async () => {
  database = await createTestDatabase();
  const { serviceUrl: databaseUrl } = database;
  service = await startTestService({ databaseUrl, policies: [DEMO, OTHER] });
});
after(async () => {
  await service?.close();
  await database?.drop();
});

const sql = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, (client) => client.query(text, values));

async function tokenize(body: object): Promise<string> {
  const answer = await service.post('app', 'tokenize', body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.token;
}

async function assertOpens(token: string, value: string): Promise<void> {
  const { body } = await service.post('supervisor', 'detokenize', { token, purpose: PURPOSE });
  assert.equal(body.value, value);
}

/** An error, with its event in the log as such; and not a byte of any value. */
async function assertRefused(answer: Awaited<ReturnType<TestService['post']>>): Promise<void> {
  assert.equal(answer.status, 500, answer.text);
  assert.equal(answer.body.code, 'internal');
  assert.ok(!/Ada|Bob|example/.test(answer.text));
  const id = answer.headers.get('audit-event-id');
  const event = (await readLeaves(database.ownerUrl)).find(({ leaf }) => leaf.id === id);
  assert.equal(event?.leaf['out'], 'error');
  assert.equal(event?.leaf['rc'], 500);
}

async function assertSealed(token: string): Promise<void> {
  const ask = { token, purpose: PURPOSE };
  await assertRefused(await service.post('supervisor', 'detokenize', ask));
  const { status, body, text } = await service.post('supervisor', 'detokenize/batch', {
    tokens: [token],
    purpose: PURPOSE,
  });
  assert.ok(status === 500 || body.items[0].error.code === 'internal', text);
}

/** Two tokens of persons of their own, in fields of one kind or another. */
async function makeTwo(first: object = {}, second: object = {}): Promise<[string, string]> {
  return [
    await tokenize({ field: 'name', value: 'Ada Lovelace', ...first }),
    await tokenize({ field: 'name', value: 'Bob Builder', ...second }),
  ];
}

const SWAP = `update token t set sealed = o.sealed, subject_id = o.subject_id from token o
  where (t.token, o.token) in (($1, $2), ($2, $1))`;

it('opens neither of two rows whose sealed values were swapped', async () => {
  const [ada, bob] = await makeTwo();
  await sql(SWAP, [ada, bob]);
  await assertSealed(ada);
  await assertSealed(bob);
  await sql(SWAP, [ada, bob]);
  await assertOpens(ada, 'Ada Lovelace');
});

it('opens neither when both belong to one person', async () => {
  const [ada, bob] = await makeTwo({ subject: 'one' }, { subject: 'one' });
  await sql(SWAP, [ada, bob]);
  await assertSealed(ada);
  await assertSealed(bob);
});

it('opens neither of two deterministic rows that were swapped', async () => {
  const [ada, bob] = await makeTwo(
    { field: 'email', value: 'Ada@example.com' },
    { field: 'email', value: 'Bob@example.com' },
  );
  await sql(SWAP, [ada, bob]);
  await assertSealed(ada);
  await assertSealed(bob);
});

it('does not open a row that was relabelled as of another field', async () => {
  const [ada] = await makeTwo();
  const field = `(select id from field f where f.vault_id = token.vault_id and f.name = 'note')`;
  await sql(`update token set field_id = ${field} where token = $1`, [ada]);
  await assertSealed(ada);
});

it('does not open a row that was moved to another vault', async () => {
  const [ada] = await makeTwo();
  const vault = `(select id from vault where name = 'other')`;
  await sql(`update token set vault_id = ${vault} where token = $1`, [ada]);
  const response = await fetch(`${service.http}/v1/vaults/other/detokenize`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.tokenFor('supervisor')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ token: ada, purpose: PURPOSE }),
  });
  const text = await response.text();
  const { status, headers } = response;
  await assertRefused({ status, headers, text, body: JSON.parse(text) });
});

it('does not open a row that was given the name of another token', async () => {
  const [ada, bob] = await makeTwo();
  await sql('delete from token where token = $1', [bob]);
  await sql('update token set token = $2, shard = $3 where token = $1', [ada, bob, shardOf(bob)]);
  await assertSealed(bob);
});

it('does not open a row with a flipped bit, wherever it is', async () => {
  const [ada] = await makeTwo({ metadata: { note: 'Ada' } });
  const { rows } = await sql('select octet_length(sealed) as n from token where token = $1', [ada]);
  const flip = `update token set sealed = set_byte(sealed, $2::int, get_byte(sealed, $2::int) # 1)
    where token = $1`;
  // Format, nonce, ciphertext, tag.
  for (const at of [0, 6, 28, 29, 40, rows[0].n - 1]) {
    await sql(flip, [ada, at]);
    await assertSealed(ada);
    await sql(flip, [ada, at]);
  }
  await assertOpens(ada, 'Ada Lovelace');
});

it('reveals nothing when a row claims another version of the key', async () => {
  const [ada] = await makeTwo();
  await sql('update token set sealed = set_byte(sealed, 4, 9) where token = $1', [ada]);
  const ask = { token: ada, purpose: PURPOSE };
  const { status, text } = await service.post('supervisor', 'detokenize', ask);
  assert.ok(status >= 500 && !text.includes('Ada'), text);
});

it("does not open a person's row under another person, nor under none", async () => {
  const [ada, bob] = await makeTwo({ subject: 'ada' }, { subject: 'bob' });
  const owner = '(select subject_id from token o where o.token = $2)';
  await sql(`update token set subject_id = ${owner} where token = $1`, [ada, bob]);
  await assertSealed(ada);
  await sql('update token set subject_id = null where token = $1', [ada]);
  await assertSealed(ada);
});

it('does not open a row when the secrets of two persons were swapped', async () => {
  const [ada] = await makeTwo({ subject: 'swap-1' }, { subject: 'swap-2' });
  await sql(`update subject s set sealed_secret = o.sealed_secret from subject o
    where s.id <> o.id and s.id = (select subject_id from token where token = '${ada}')`);
  await assertSealed(ada);
});

it('gives no token, known or new, for a value whose fingerprint leads to another row', async () => {
  const email = (name: string) => ({ field: 'email', value: `${name}@example.org` });
  const [ada, bob] = await makeTwo(email('ada'), email('bob'));
  // Bob's row now answers for Ada's value.
  await sql(
    `with gone as (delete from token where token = $1 returning fp_odd, fp_even, shard)
     update token set fp_odd = gone.fp_odd, fp_even = gone.fp_even, shard = gone.shard from gone
     where token = $2`,
    [ada, bob],
  );
  await assertRefused(await service.post('app', 'lookup', email('ada')));
  await assertRefused(await service.post('app', 'tokenize', email('ada')));
});

it('shows no metadata of another row', async () => {
  const [ada, bob] = await makeTwo({ metadata: { n: 'Ada' } }, { metadata: { n: 'Bob' } });
  await sql(
    `update token t set metadata = o.metadata from token o where t.token = $1 and o.token = $2`,
    [ada, bob],
  );
  await assertRefused(await service.post('supervisor', 'tokens/inspect', { token: ada }));
});

it('shows no value to those who may see metadata, put where metadata belongs', async () => {
  const token = await tokenize({ field: 'name', value: '{"name":"Ada"}' });
  await sql('update token set metadata = sealed where token = $1', [token]);
  await assertRefused(await service.post('supervisor', 'tokens/inspect', { token }));
});
