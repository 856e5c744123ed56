import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

let database: TestDatabase;
let service: TestService;
before(async () => {
  database = await createTestDatabase();
  service = await startTestService({ databaseUrl: database.serviceUrl });
});
after(async () => {
  await service?.close();
  await database?.drop();
});

const PURPOSE = { purpose: 'support-ticket' };

async function ok(role: string, path: string, body: object) {
  const answer = await service.post(role, path, body);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.headers.get('audit-event-id'));
  return answer.body;
}

async function assertCode(code: string, role: string, path: string, body: object) {
  const answer = await service.post(role, path, body);
  assert.equal(answer.body.code, code, answer.text);
}

const tokenize = async (body: object): Promise<string> => (await ok('app', 'tokenize', body)).token;

const sql = async (text: string, values: unknown[]) =>
  (await withClient(database.ownerUrl, (client) => client.query(text, values))).rows;

it('gives a value back in the view that was asked for, normalised', async () => {
  const token = await tokenize({ field: 'email', value: 'Ada@Example.COM' });
  const shown = async (role: string, view: object) =>
    await ok(role, 'detokenize', { token, ...PURPOSE, ...view });
  const masked = { value: 'A•••@example.com', field: 'email', view: 'masked' };
  const full = { value: 'Ada@example.com', field: 'email', view: 'full' };
  assert.deepEqual(await shown('support', { view: 'masked' }), masked);
  assert.deepEqual(await shown('supervisor', {}), full);
  await assertCode('view_not_granted', 'support', 'detokenize', { token, ...PURPOSE });
});

it('asks for the explanation that the policy demands, before it looks', async () => {
  const token = await tokenize({ field: 'pan', value: '4111 1111 1111 1111' });
  await assertCode('purpose_required', 'support', 'detokenize', { token, view: 'last4' });
  await assertCode('approval_required', 'fraud', 'detokenize', { token, ...PURPOSE });
  await assertCode('forbidden', 'app', 'detokenize', { token, ...PURPOSE });
  await assertCode('forbidden', 'support', 'tokenize', { field: 'pan', value: '4111111111111111' });
});

it('gives deterministic fields one token a value, and random fields a new one each time', async () => {
  const twice = async (body: object) => [await tokenize(body), await tokenize(body)];
  const [one, same] = await twice({ field: 'pan', value: '4111-1111-1111-1111' });
  assert.equal(one, same);
  assert.equal(await tokenize({ field: 'pan', value: '4111111111111111' }), one);
  const [first, second] = await twice({ field: 'name', value: 'Ada Lovelace' });
  assert.notEqual(first, second);
});

it('gives each caller tokens of their own where the field says so', async () => {
  const ask = { field: 'customerId', value: 'AB-123456' };
  const mine = await tokenize(ask);
  assert.equal(await tokenize(ask), mine);
  const response = await fetch(`${service.http}/v1/vaults/demo/tokenize`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.tokenFor('app', { sub: 'another-service' })}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(ask),
  });
  const { token: theirs } = (await response.json()) as { token: string };
  assert.notEqual(theirs, mine);
  for (const token of [mine, theirs]) {
    const { value } = await ok('supervisor', 'detokenize', { token, ...PURPOSE });
    assert.equal(value, ask.value);
  }
});

it('gives each item of a batch its own fate, in order', async () => {
  const { items } = await ok('app', 'tokenize/batch', {
    items: [
      { field: 'pan', value: '5555 5555 5555 4444' },
      { field: 'pan', value: '5555 5555 5555 4445' },
      { field: 'nothing', value: 'x' },
      { field: 'name', value: 'Grace Hopper' },
      { field: 'pan', value: '5555555555554444' },
    ],
  });
  const codes = items.map((item: { error?: { code: string } }) => item.error?.code);
  assert.deepEqual(codes, [undefined, 'value_invalid', 'field_unknown', undefined, undefined]);
  assert.equal(items[4].token, items[0].token);
  const back = await ok('supervisor', 'detokenize/batch', {
    tokens: [items[3].token, 'nope', { token: items[0].token, field: 'pan' }],
    ...PURPOSE,
  });
  assert.equal(back.items[0].value, 'Grace Hopper');
  assert.equal(back.items[1].error.code, 'token_not_found');
  assert.equal(back.items[2].value, '5555555555554444');
});

it('looks up what is known, and creates nothing for what is not', async () => {
  const known = { field: 'email', value: 'known@example.com' };
  const token = await tokenize(known);
  const rows = () =>
    sql('select (select count(*) from token) as t, (select count(*) from subject) as s', []);
  const before = await rows();
  assert.deepEqual(await ok('app', 'lookup', known), { token });
  assert.deepEqual(await ok('app', 'lookup', { ...known, value: 'known@EXAMPLE.com' }), { token });
  const unknown = { field: 'email', value: 'unknown@example.com', subject: 'nobody' };
  await assertCode('token_not_found', 'app', 'lookup', unknown);
  await assertCode('value_invalid', 'app', 'lookup', { field: 'name', value: 'Ada Lovelace' });
  assert.deepEqual(await rows(), before);
});

it('links every person to a value that they share, and keeps no reference of theirs', async () => {
  const ask = { field: 'phone', value: '+49 30 901820' };
  const token = await tokenize({ ...ask, subject: 'person-1' });
  assert.equal(await tokenize({ ...ask, subject: 'person-2' }), token);
  assert.equal(await tokenize({ ...ask, subject: 'person-2' }), token);
  const links = await sql('select * from token_subject where token = $1', [token]);
  assert.equal(links.length, 2);
  const subjects = await sql('select s::text as row from subject s', []);
  assert.ok(subjects.every(({ row }) => !String(row).includes('person')));
  await ok('app', 'tokens/revoke', { tokens: [token] });
  assert.deepEqual(await sql('select * from token_subject where token = $1', [token]), []);
});

it('tells what it knows of a token, with the metadata that came with it', async () => {
  const metadata = { source: 'shop', nested: { list: [1, null, 'Ünïcode'] } };
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const ask = { field: 'name', value: 'Ada', subject: 'c-9', metadata, expiresAt };
  const token = await tokenize(ask);
  const told = await ok('supervisor', 'tokens/inspect', { token });
  assert.deepEqual(
    { ...told, createdAt: '' },
    { field: 'name', createdAt: '', expiresAt, metadata },
  );
  assert.ok(Math.abs(Date.parse(told.createdAt) - Date.now()) < 60_000);
  const [{ row }] = (await sql('select t::text as row from token t where token = $1', [token])) as [
    { row: string },
  ];
  assert.ok(!row.includes(Buffer.from('shop').toString('hex')));
});

it('does not resolve a token any longer than its caller, or its field, allows', async () => {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const short = await tokenize({
    field: 'email',
    value: 'short@example.com',
    expiresAt: at(1_000),
  });
  await sleep(1_200);
  await assertCode('token_not_found', 'supervisor', 'detokenize', { token: short, ...PURPOSE });
  await assertCode('token_not_found', 'app', 'lookup', {
    field: 'email',
    value: 'short@example.com',
  });
  assert.notEqual(await tokenize({ field: 'email', value: 'short@example.com' }), short);

  const cvv = await tokenize({ field: 'cvv', value: '123', expiresAt: at(86_400_000) });
  const { expiresAt } = await ok('supervisor', 'tokens/inspect', { token: cvv });
  const hours = (Date.parse(expiresAt) - Date.now()) / 3_600_000;
  assert.ok(hours > 0.9 && hours <= 1, `it lives for ${hours} h, the policy says 1 h`);
  await assertCode('invalid_request', 'app', 'tokenize', {
    field: 'name',
    value: 'Ada',
    expiresAt: at(-1_000),
  });
});

it('keeps the first expiry of a known value', async () => {
  const ask = { field: 'email', value: 'first@example.com' };
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const token = await tokenize({ ...ask, expiresAt });
  const later = new Date(Date.now() + 7_200_000).toISOString();
  assert.equal(await tokenize({ ...ask, expiresAt: later }), token);
  assert.equal((await ok('supervisor', 'tokens/inspect', { token })).expiresAt, expiresAt);
});

it('ends tokens at once and for good, and says how many', async () => {
  const ask = { field: 'email', value: 'ends@example.com' };
  const tokens = [await tokenize(ask), await tokenize({ field: 'name', value: 'Ada' })];
  assert.deepEqual(await ok('app', 'tokens/revoke', { tokens: [...tokens, 'nope'] }), {
    revoked: 2,
  });
  assert.deepEqual(await ok('app', 'tokens/revoke', { tokens }), { revoked: 0 });
  for (const token of tokens) {
    await assertCode('token_not_found', 'supervisor', 'detokenize', { token, ...PURPOSE });
  }
  await assertCode('token_not_found', 'app', 'lookup', ask);
  assert.ok(!tokens.includes(await tokenize(ask)));
});
