import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

// Two instances of one deployment: the same database and root key, nothing else in common.
let database: TestDatabase;
let services: [TestService, TestService];
before(async () => {
  database = await createTestDatabase();
  const databaseUrl = database.serviceUrl;
  const one = await startTestService({ databaseUrl });
  services = [one, await startTestService({ databaseUrl, rootKey: one.rootKey })];
});
after(async () => {
  for (const service of services ?? []) await service.close();
  await database?.drop();
});

const serviceOf = (caller: number): TestService => services[caller % 2] as TestService;

const callers = <T>(count: number, run: (caller: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, caller) => run(caller)));

/** Token of a value as one of many callers gets it. */
async function tokenize(caller: number, body: object): Promise<string> {
  const { status, body: answer, text } = await serviceOf(caller).post('app', 'tokenize', body);
  assert.equal(status, 200, text);
  return answer.token;
}

const sql = (text: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, (client) => client.query(text, values));

/** Rows that still hold a fingerprint, and all rows. */
async function countRows(): Promise<{ holding: number; all: number }> {
  const text = `select count(*)::int as "all",
    count(*) filter (where fp_even is not null or fp_odd is not null)::int as holding from token`;
  return (await sql(text)).rows[0];
}

it('gives 64 callers of two instances one token for one value, and stores one row', async () => {
  const before = await countRows();
  const ask = { field: 'email', value: 'one@example.com' };
  const tokens = await callers(64, (caller) => tokenize(caller, ask));
  assert.equal(new Set(tokens).size, 1);
  assert.equal((await countRows()).all, before.all + 1);
});

it('gives each value one token when batches race in opposite orders, without a deadlock', async () => {
  // Slow rows, so that the statements of two instances overlap.
  await sql(`create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(0.0005); return new; end $$;
    create trigger slow before insert on token for each row execute function slow()`);
  const before = await countRows();
  for (const round of ['a', 'b', 'c', 'd']) await raceInBatches(round);
  await sql('drop trigger slow on token');
  assert.equal((await countRows()).all, before.all + 4 * 100);
});

async function raceInBatches(round: string): Promise<void> {
  const values = Array.from({ length: 100 }, (_, index) => `${round}-${index}@example.com`);
  const answers = await callers(2, async (caller) => {
    const order = caller === 0 ? values : values.toReversed();
    const items = order.map((value) => ({ field: 'email', value }));
    const { body } = await serviceOf(caller).post('app', 'tokenize/batch', { items });
    return new Map(order.map((value, index) => [value, body.items[index].token]));
  });
  for (const value of values) {
    const tokens = new Set(answers.map((answer) => answer.get(value)));
    assert.ok(tokens.size === 1 && !tokens.has(undefined), 'an item failed, or got a second token');
  }
}

it('gives racing callers one new token for a value whose token has expired', async () => {
  const ask = { field: 'email', value: 'soon-gone@example.com' };
  const expiresAt = new Date(Date.now() + 1_200).toISOString();
  const old = await tokenize(0, { ...ask, expiresAt });
  // They race across the moment at which it ends, too.
  const holdingBefore = (await countRows()).holding;
  const rounds: string[] = [];
  while (Date.now() < Date.parse(expiresAt) + 300) {
    rounds.push(...(await callers(32, (caller) => tokenize(caller, ask))));
    await sleep(20);
  }
  const fresh = new Set(rounds.filter((token) => token !== old));
  assert.equal(fresh.size, 1);
  assert.equal(rounds.at(-1), [...fresh][0]);
  assert.equal((await countRows()).holding, holdingBefore);
  const { status } = await serviceOf(1).post('supervisor', 'detokenize', {
    token: old,
    purpose: 'support-ticket',
  });
  assert.equal(status, 404);
});

it('gives racing callers one new token for a value whose token was revoked', async () => {
  const ask = { field: 'email', value: 'revoked@example.com' };
  const old = await tokenize(0, ask);
  const [ended] = await Promise.all([
    serviceOf(0).post('app', 'tokens/revoke', { tokens: [old] }),
    callers(32, (caller) => tokenize(caller, ask)),
  ]);
  assert.equal(ended.body.revoked, 1);
  const after = new Set(await callers(32, (caller) => tokenize(caller, ask)));
  assert.equal(after.size, 1);
  assert.ok(!after.has(old));
});

it('counts a token that many callers revoke at once exactly once', async () => {
  const token = await tokenize(0, { field: 'name', value: 'Ada Lovelace' });
  const answers = await callers(32, (caller) =>
    serviceOf(caller).post('app', 'tokens/revoke', { tokens: [token] }),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(
    answers.reduce((sum, { body }) => sum + body.revoked, 0),
    1,
  );
});

it('links every one of the subjects that racing callers name for one value', async () => {
  const ask = { field: 'email', value: 'shared@example.com' };
  const tokens = await callers(32, (caller) =>
    tokenize(caller, { ...ask, subject: `person-${caller % 8}` }),
  );
  assert.equal(new Set(tokens).size, 1);
  const links = await sql('select from token_subject where token = $1', [tokens[0]]);
  assert.equal(links.rowCount, 8);
});
