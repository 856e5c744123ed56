import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

// What a caller may not see answers exactly like what does not exist (DESIGN §10).
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

/** These differ between any two answers. */
const UNIQUE = new Set(['x-request-id', 'audit-event-id', 'date']);

async function answerTo(role: string, path: string, body: object, claims: object = {}) {
  const response = await fetch(`${service.http}/v1/vaults/demo/${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.tokenFor(role, claims)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  const headers = [...response.headers].map(([name, value]) =>
    UNIQUE.has(name) ? [name] : [name, value],
  );
  return { status: response.status, headers, body: await response.text() };
}

async function tokenize(body: object): Promise<string> {
  const answer = await service.post('app', 'tokenize', body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.token;
}

/** A token that is there, but of a field on which neither support nor billing has a grant. */
const refused = () => tokenize({ field: 'note', value: 'nobody but the supervisor' });

async function expired(field: string, value: string): Promise<string> {
  const expiresAt = new Date(Date.now() + 1_000).toISOString();
  const token = await tokenize({ field, value, expiresAt });
  await sleep(1_100);
  return token;
}

async function revoked(field: string, value: string): Promise<string> {
  const token = await tokenize({ field, value });
  const { body } = await service.post('app', 'tokens/revoke', { tokens: [token] });
  assert.deepEqual(body, { revoked: 1 });
  return token;
}

/** Same length and alphabet as a real one; never issued. */
const never = (prefix: string) => `${prefix}_0123456789abcdefghjkmnpqrs`;

const ABSENT = async () => {
  const [gone, goneEmail] = await Promise.all([
    expired('name', 'Ada'),
    expired('email', 'expired@example.com'),
  ]);
  return {
    'never existed': never('name'),
    'has the prefix of no field': never('zzz'),
    'is no token at all': 'Ada Lovelace',
    'has expired': gone,
    'has expired, deterministic': goneEmail,
    'was revoked': await revoked('name', 'Ada'),
    'was revoked, deterministic': await revoked('email', 'revoked@example.com'),
  };
};

for (const [path, more] of [
  ['detokenize', { view: 'masked', purpose: 'support-ticket' }],
  ['tokens/inspect', {}],
] as const) {
  it(`answers ${path} of a token without a grant byte for byte as of a token that is not there`, async () => {
    const hidden = await answerTo('support', path, { token: await refused(), ...more });
    assert.equal(hidden.status, 404);
    assert.equal(JSON.parse(hidden.body).code, 'token_not_found');
    for (const [what, token] of Object.entries(await ABSENT())) {
      assert.deepEqual(await answerTo('support', path, { token, ...more }), hidden, what);
    }
  });
}

it('answers items of a batch alike, too', async () => {
  const absent = Object.values(await ABSENT());
  const tokens = [await refused(), ...absent];
  const ask = { tokens, view: 'masked', purpose: 'support-ticket' };
  const { status, body } = await service.post('support', 'detokenize/batch', ask);
  assert.equal(status, 200);
  assert.equal(body.items.length, tokens.length);
  for (const item of body.items) assert.deepEqual(item, body.items[0]);
  assert.equal(body.items[0].error.code, 'token_not_found');
});

it('counts tokens that the caller may not revoke like tokens that are not there', async () => {
  const mine = await tokenize({ field: 'name', value: 'Ada' });
  const tokens = [mine, mine, ...Object.values(await ABSENT())];
  const { body } = await service.post('app', 'tokens/revoke', { tokens });
  assert.deepEqual(body, { revoked: 1 });
});

it('answers for a token of another field than said as for one that is not there', async () => {
  const token = await tokenize({ field: 'name', value: 'Ada' });
  const more = { field: 'email', view: 'masked', purpose: 'support-ticket' };
  assert.deepEqual(
    await answerTo('support', 'detokenize', { token, ...more }),
    await answerTo('support', 'detokenize', { token: never('name'), ...more }),
  );
});

it('answers for a vault that the credential does not name as for one that does not exist', async () => {
  const body = { field: 'email', value: 'ada@example.com' };
  const hidden = await answerTo('app', 'tokenize', body, { vaults: ['other'] });
  assert.equal(hidden.status, 404);
  assert.equal(JSON.parse(hidden.body).code, 'vault_not_found');
  for (const claims of [
    { vaults: [] },
    { vaults: undefined },
    { roles: [] },
    { roles: ['nobody'] },
  ]) {
    assert.deepEqual(
      await answerTo('app', 'tokenize', body, claims),
      hidden,
      JSON.stringify(claims),
    );
  }
  const response = await fetch(`${service.http}/v1/vaults/absent/tokenize`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.tokenFor('app')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  assert.equal(await response.text(), hidden.body);
});

it('tells new values from known ones by nothing but the token', async () => {
  const body = { field: 'email', value: 'known@example.com', subject: 'c-1' };
  const fresh = await answerTo('app', 'tokenize', body);
  assert.deepEqual(await answerTo('app', 'tokenize', body), fresh);
});
