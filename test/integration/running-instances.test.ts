import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { SecretText } from '../../src/config/secret-text.ts';
import { readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { oneFieldPolicy as policy } from '../helpers/policies.ts';
import { sharedRedisUrl } from '../helpers/redis.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

const MASKED = policy('masked');
const FULL = policy('full');

let database: TestDatabase;
let one: TestService;
let other: TestService;
before(async () => {
  database = await createTestDatabase();
  one = await start([MASKED]);
  other = await start([MASKED]);
});
after(async () => {
  await one?.close();
  await other?.close();
  await database?.drop();
});

const start = (policies: readonly string[]) =>
  startTestService({
    databaseUrl: database.serviceUrl,
    policies,
    ...(one && { rootKey: one.rootKey }),
    cache: { maxBytes: 1024 * 1024, redisUrl: new SecretText(sharedRedisUrl()) },
  });

const tokenize = async (value: string): Promise<string> =>
  (await one.post('app', 'tokenize', { field: 'email', value })).body.token;
const reveal = async (at: TestService, token: string, view: string): Promise<number> =>
  (await at.post('support', 'detokenize', { token, view, purpose: 'support-ticket' })).status;

it('reveals no token that was revoked on another instance, and says that it withheld it', async () => {
  const token = await tokenize('ada@example.com');
  for (let times = 0; times < 3; times += 1)
    assert.equal(await reveal(other, token, 'masked'), 200);
  assert.deepEqual((await one.post('app', 'tokens/revoke', { tokens: [token] })).body, {
    revoked: 1,
  });
  assert.equal(await reveal(other, token, 'masked'), 404);
  const leaves = (await readLeaves(database.ownerUrl)).map(({ leaf }) => leaf);
  const withheld = leaves.filter((leaf) => JSON.stringify(leaf).includes('"outdated"'));
  assert.equal(withheld.length, 1);
  assert.equal(await reveal(other, token, 'masked'), 404);
});

it('gives a value a new token everywhere when its old one was revoked elsewhere', async () => {
  const ask = { field: 'email', value: 'grace@example.com' };
  const token = await tokenize(ask.value);
  assert.equal((await other.post('app', 'lookup', ask)).body.token, token);
  assert.equal((await other.post('app', 'lookup', ask)).body.token, token);
  await one.post('app', 'tokens/revoke', { tokens: [token] });
  assert.equal((await other.post('app', 'lookup', ask)).status, 404);
  const anew = (await other.post('app', 'tokenize', ask)).body.token;
  assert.notEqual(anew, token);
  assert.equal(await tokenize(ask.value), anew);
});

it('goes over to a newer policy with the next request, for what it allows and what it forbids', async () => {
  const token = await tokenize('bob@example.com');
  assert.deepEqual(
    [await reveal(one, token, 'masked'), await reveal(one, token, 'full')],
    [200, 403],
  );
  const newer = await start([FULL]);
  try {
    assert.deepEqual(
      [await reveal(one, token, 'masked'), await reveal(one, token, 'full')],
      [403, 200],
    );
    assert.deepEqual(
      [await reveal(other, token, 'full'), await reveal(other, token, 'masked')],
      [200, 403],
    );
  } finally {
    await newer.close();
  }
});
