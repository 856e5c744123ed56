import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

const service = makeFakeService();
after(() => service.app.close());

const AUTH = { authorization: `Bearer ${TOKEN}` };

test('each call reaches its own operation', async () => {
  const calls: [string, object, string][] = [
    ['tokenize', GOOD_BODY, 'tokenize'],
    ['tokenize/batch', { items: [GOOD_BODY] }, 'tokenizeBatch'],
    ['detokenize', { token: 't' }, 'detokenize'],
    ['detokenize/batch', { tokens: ['t', { token: 't', field: 'email' }] }, 'detokenizeBatch'],
    ['lookup', GOOD_BODY, 'lookup'],
    ['tokens/inspect', { token: 't' }, 'inspect'],
    ['tokens/revoke', { tokens: ['t'] }, 'revoke'],
    ['tokens/import', { items: [{ ...GOOD_BODY, token: 'OLD-17' }] }, 'importTokens'],
    ['tokens/search', { tags: { a: 'b', c: 1, d: true }, limit: 1000 }, 'search'],
    ['tokens/search', {}, 'search'],
    ['subjects/erase', { subject: 's' }, 'eraseSubject'],
    ['subjects/export', { subject: 's' }, 'exportSubject'],
  ];
  for (const [call, body, operation] of calls) {
    const reply = await service.post(`/v1/vaults/demo/${call}`, body);
    assert.equal(reply.statusCode, 200, call);
    assert.equal(reply.headers['audit-event-id'], `event-${operation}`);
    assert.equal(reply.headers['cache-control'], 'no-store');
    assert.deepEqual(service.seen.at(-1)?.input, body);
  }
});

test('what is known of a vault is asked for without a body', async () => {
  const reply = await service.get('/v1/vaults/demo/stats');
  assert.equal(reply.statusCode, 200);
  assert.equal(reply.headers['audit-event-id'], 'event-stats');
});

test('calls on the log reach their own operation, and those that everybody may make need no credential', async () => {
  const log = '/v1/audit/log/active';
  const calls: [string, object | undefined, string][] = [
    ['/v1/audit/search', { actor: 'a' }, 'auditSearch'],
    ['/v1/audit/export', { format: 'csv' }, 'auditExport'],
    ['/v1/audit/events/x', undefined, 'auditEvent'],
    ['/v1/audit/events/x/receipt', undefined, 'auditReceipt'],
    [`${log}/tile/entries/x001/000`, undefined, 'auditEntries'],
  ];
  for (const [url, body, operation] of calls) {
    const reply = await (body === undefined ? service.get(url) : service.post(url, body));
    assert.equal(reply.statusCode, 200, url);
    assert.equal(service.seen.at(-1)?.operation, operation);
    assert.equal(reply.headers['audit-event-id'], `event-${operation}`);
    const method = body === undefined ? 'GET' : 'POST';
    assert.equal((await service.app.inject({ method, url })).statusCode, 401, url);
  }
  const open: [string, string, object][] = [
    [`${log}/checkpoint`, 'auditCheckpoint', { shard: 'active' }],
    [`${log}/vkey`, 'auditVerifierKeys', { shard: 'active' }],
    ['/v1/audit/erasures/vkey', 'erasureVerifierKeys', {}],
    [`${log}/tile/1/x001/000.p/7`, 'auditTile', { shard: 'active', path: '1/x001/000.p/7' }],
  ];
  for (const [url, operation, input] of open) {
    assert.equal((await service.app.inject(url)).statusCode, 200, url);
    const { call: _, ...seen } = service.seen.at(-1) ?? {};
    assert.deepEqual(seen, { operation, input });
  }
});

test('another method on a known path is 405 and names the allowed ones', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
    const reply = await service.app.inject({
      method: method as 'GET',
      url: TOKENIZE,
      headers: AUTH,
    });
    assert.equal(reply.statusCode, 405, method);
    assert.equal(reply.headers['allow'], 'POST');
    const docs = await service.app.inject({ method: method as 'GET', url: '/docs' });
    assert.equal(docs.statusCode, method === 'GET' || method === 'HEAD' ? 200 : 405, method);
  }
});

test('a path below /v1 that does not exist is 401 to strangers and 404 on record to callers', async () => {
  for (const url of ['/v1', '/v1/', '/v1/nothing', '/v1/vaults/demo', '/v1/vaults/demo/nothing']) {
    assert.equal((await service.app.inject({ method: 'POST', url })).statusCode, 401);
    const reply = await service.post(url, GOOD_BODY);
    assert.equal(reply.json().code, 'not_found');
    assert.equal(reply.headers['audit-event-id'], 'event-reject');
  }
});

test('a path outside of /v1 that does not exist is 404', async () => {
  for (const url of [
    '/',
    '/favicon.ico',
    '/V1/vaults/demo/tokenize',
    '/docs/',
    '/metrics',
    '/livez',
  ]) {
    assert.equal((await service.app.inject(url)).json().code, 'not_found', url);
  }
});

const SPELLINGS = [
  '/v1/vaults/demo/tokenize/',
  '/v1/vaults/demo//tokenize',
  '//v1/vaults/demo/tokenize',
  '/v1//vaults/demo/tokenize',
  '/v1/vaults/demo/tokenize;x=y',
  '/v1/vaults/demo;/tokenize;',
  '/v1/vaults/demo%2Ftokenize',
  '/v1%2Fvaults%2Fdemo%2Ftokenize',
  '/v1/vaults//tokenize',
  '/v1/vaults/demo/tokenize%00',
  '/v1/vaults/demo/tokenize%20',
  '/v1/vaults/demo/TOKENIZE',
  '/v1/vaults/demo/%ZZ',
  '/v1/vaults/%E0%A4/tokenize',
];

test('no odd spelling of a path gets past authentication', async () => {
  for (const url of SPELLINGS) {
    const { statusCode } = await service.app.inject({ method: 'POST', url, payload: GOOD_BODY });
    assert.equal([401, 404].includes(statusCode), true, `${url} ${statusCode}`);
  }
});

test('no odd spelling of a path reaches an operation under a wrong name', async () => {
  const before = service.seen.filter(({ operation }) => operation === 'tokenize').length;
  for (const url of SPELLINGS.filter((one) => !one.includes('demo;'))) {
    const { statusCode } = await service.post(url, GOOD_BODY);
    assert.equal(statusCode, 404, url);
  }
  assert.equal(service.seen.filter(({ operation }) => operation === 'tokenize').length, before);
});

test('a vault name that cannot exist is left to the operation, at any length', async () => {
  for (const name of [
    '_system',
    'UPPER',
    'a'.repeat(100),
    '%00',
    '%F0%9F%94%92',
    '..%2F..',
    "'--",
  ]) {
    assert.equal(
      (await service.post(`/v1/vaults/${name}/tokenize`, GOOD_BODY)).statusCode,
      200,
      name,
    );
  }
  const absurd = await service.post(`/v1/vaults/${'a'.repeat(5000)}/tokenize`, GOOD_BODY);
  assert.equal(absurd.json().code, 'vault_not_found');
});

test("the caller's request id is kept when it is 32 hexadecimal digits, and replaced when it is not", async () => {
  const given = '4BF92F3577B34DA6A3CE929D0E0E4736';
  const kept = await service.post(TOKENIZE, GOOD_BODY, { 'x-request-id': given });
  assert.equal(kept.headers['x-request-id'], given);
  for (const bad of ['4111111111111111', 'a b', '', `${given}0`, 'x'.repeat(32), `${given}\t`]) {
    const { headers } = await service.post(TOKENIZE, GOOD_BODY, { 'x-request-id': bad });
    assert.match(String(headers['x-request-id']), /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  }
});
