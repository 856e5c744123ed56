import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { alterationsOf, whileAltered } from '../helpers/altered-cells.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { DEMO_POLICY } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

// Whoever writes to the database changes one cell after another. They may take tokens away, bring ended ones
// back, or make calls fail; but no token ever opens to another value, no value gets another one's token, and
// no error quotes either.

/** The demo policy, with names that can be revealed a number of times, and without a limit on the tests. */
const POLICY = readFileSync(DEMO_POLICY, 'utf8')
  .replace(
    'token: { mode: random, prefix: name }',
    'token: { mode: random, prefix: name }\n    retention: { ttl: 9d, maxReveals: 1000000 }',
  )
  .replace('budget: { tokens: 1000, per: 1h }', 'budget: { tokens: 10000000, per: 1d }');
const PURPOSE = 'support-ticket';
const TABLES = [
  ...['token', 'token_subject', 'token_tag', 'tombstone', 'revocation', 'subject'],
  ...['idempotency', 'budget_lease', 'erasure'],
];

type Known = {
  field: string;
  value: string;
  token: string;
  metadata?: object | undefined;
  key?: string;
};

let database: TestDatabase;
let service: TestService;
const known: Known[] = [];
let ended: Known;
before(async () => {
  database = await createTestDatabase();
  service = await startTestService({ databaseUrl: database.serviceUrl, policies: [POLICY] });
  await fill();
});
after(async () => {
  await service?.close();
  await database?.drop();
});

const repeatable = (key: string) => ({ 'idempotency-key': key });

/** Rows of every kind, at least two of each. */
async function fill(): Promise<void> {
  for (const n of [1, 2, 3]) {
    await make({ field: 'email', value: `ada-${n}@example.com`, metadata: { order: `A-${n}` } });
    await make({ field: 'pan', value: `411111000000${[1003, 1011, 1029][n - 1]}` });
    await make({ field: 'name', value: `Ada Lovelace ${n}`, metadata: { n }, key: randomUUID() });
    const imported = { field: 'email', value: `eve-${n}@example.com`, token: `LEGACY-${n}` };
    const { body } = await service.post('app', 'tokens/import', { items: [imported] });
    assert.deepEqual(body.items, [{ token: imported.token }]);
    known.push(imported);
    const gone = await make({ field: 'pan', value: `422222000000${[1006, 1014, 1022][n - 1]}` });
    const { body: ends } = await service.post('app', 'tokens/revoke', { tokens: [gone.token] });
    assert.equal(ends.revoked, 1);
    known.splice(known.indexOf(gone), 1);
    ended = gone;
    const erased = await service.post('privacy', 'subjects/erase', { subject: `gone-${n}` });
    assert.equal(erased.status, 200, erased.text);
  }
}

const bodyOf = ({ field, value, metadata }: Omit<Known, 'token'>) => ({
  field,
  value,
  metadata,
  ...(field === 'pan' ? {} : { subject: `of-${value}` }),
});

async function make(item: Omit<Known, 'token'>): Promise<Known> {
  const headers = item.key === undefined ? {} : repeatable(item.key);
  const answer = await service.post('app', 'tokenize', bodyOf(item), headers);
  assert.equal(answer.status, 200, answer.text);
  const made = { ...item, token: answer.body.token };
  known.push(made);
  return made;
}

/** The values that a text quotes, but for the one that it may. */
const quoted = (text: string, own?: string) =>
  [...known, ended].map(({ value }) => value).filter((it) => it !== own && text.includes(it));

async function reveal(token: string) {
  return service.post('supervisor', 'detokenize', { token, purpose: PURPOSE });
}

/** Asks for everything that is known; every answer is the right one or none. */
async function checkAll(): Promise<void> {
  await Promise.all(
    known.map(async ({ field, value, token, metadata, key }) => {
      const shown = await reveal(token);
      assert.deepEqual(quoted(shown.text, value), []);
      if (shown.status === 200)
        assert.deepEqual([shown.body.value, shown.body.field], [value, field]);
      const seen = await service.post('supervisor', 'tokens/inspect', { token });
      assert.deepEqual(quoted(seen.text), []);
      if (seen.body.metadata !== undefined) assert.deepEqual(seen.body.metadata, metadata);
      if (key !== undefined) await checkReplay({ field, value, token, key });
      await checkExport(value);
      if (field !== 'name') await checkLookup({ field, value, token });
    }),
  );
  assert.notEqual((await reveal(ended.token)).status, 200);
}

async function checkReplay({ key = '', field, value, token }: Known): Promise<void> {
  // With the body of its own call, and with those that the other rows are about.
  for (const item of known.filter((other) => other.field === field)) {
    const answer = await service.post('app', 'tokenize', bodyOf(item), repeatable(key));
    if (answer.status !== 200 || (answer.body.token === token && item.value === value)) continue;
    // Without its row the key is a new one, and so is the token.
    await checkOpens(answer.body.token, item.value);
  }
}

/** Rows that are sealed for one person are told to no other one; of shared ones the links decide. */
async function checkExport(value: string): Promise<void> {
  const { body } = await service.post('privacy', 'subjects/export', { subject: `of-${value}` });
  const names: { value: string }[] = body.fields?.name ?? [];
  assert.ok(
    names.every((held) => held.value === value),
    `of-${value} is told of others`,
  );
}

async function checkLookup({ field, value, token }: Known): Promise<void> {
  const found = await service.post('app', 'lookup', { field, value });
  if (found.status === 200 && found.body.token !== token) await checkOpens(found.body.token, value);
}

async function checkOpens(token: string, value: string): Promise<void> {
  const { status, body, text } = await reveal(token);
  assert.ok(status !== 200 || body.value === value, `${token} opens to another value: ${text}`);
}

it('opens everything before anything is altered', async () => {
  for (const { token, value } of known) assert.equal((await reveal(token)).body.value, value);
  await checkAll();
});

for (const table of TABLES) {
  it(`gives no wrong value and no wrong token, whatever is done to the cells of ${table}`, async () => {
    const alterations = await withClient(database.ownerUrl, (client) =>
      alterationsOf(client, table),
    );
    let done = 0;
    for (const alteration of alterations) {
      const work = async () => {
        try {
          await checkAll();
        } catch (cause) {
          throw new Error(`after ${alteration.name}`, { cause });
        }
      };
      if (await whileAltered(database.ownerUrl, { table, alteration }, work)) done += 1;
    }
    assert.ok(done > alterations.length / 3, 'the table refuses nearly everything');
  });
}

it('opens everything when all is as it was', async () => {
  for (const { token, value } of known) assert.equal((await reveal(token)).body.value, value);
});

it('opens nothing under the number of another vault, and everything under its own', async () => {
  const { rootKey } = service;
  const setSealId = (id: string) =>
    withClient(database.ownerUrl, (client) => client.query(`update vault set seal_id = ${id}`));
  const restart = async () => {
    await service.close();
    service = await startTestService({ databaseUrl: database.serviceUrl, rootKey, policies: [] });
  };
  await setSealId('7');
  await restart();
  for (const { token } of known) assert.equal((await reveal(token)).status, 500);
  await checkAll();
  await setSealId('null');
  await restart();
  for (const { token, value } of known) assert.equal((await reveal(token)).body.value, value);
});
