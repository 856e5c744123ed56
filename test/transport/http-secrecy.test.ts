import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sensitiveNames } from '../../src/api/http/schemas/sensitive.ts';
import { failing, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

const CANARY = 'canaryQ7';

/** One request per place where a secret could stand by mistake. */
const REQUESTS: { url: string; method?: 'GET'; body?: string; headers?: Record<string, string> }[] =
  [
    { url: `/v1/vaults/${CANARY}/tokenize`, body: '{"field":"email","value":"x"}' },
    { url: `${TOKENIZE}?value=${CANARY}`, body: '{"field":"email","value":"x"}' },
    { url: `${TOKENIZE}/${CANARY}`, body: '{}' },
    { url: `/${CANARY}`, method: 'GET' },
    { url: `/${CANARY}/%ZZ`, method: 'GET' },
    { url: TOKENIZE, body: `{"field":"email","value":"${CANARY}"}` },
    { url: TOKENIZE, body: `{"field":"email","value":"x","subject":"${CANARY}"}` },
    { url: TOKENIZE, body: `{"field":"email","value":"x","metadata":{"${CANARY}":"${CANARY}"}}` },
    { url: TOKENIZE, body: `{"field":"${CANARY}","value":{"${CANARY}":1}}` },
    { url: TOKENIZE, body: `{"${CANARY}":1}` },
    { url: TOKENIZE, body: `{"field":"${CANARY}` },
    { url: TOKENIZE, body: CANARY },
    { url: '/v1/vaults/demo/detokenize', body: `{"token":"${CANARY}","reference":"${CANARY}"}` },
    { url: '/v1/vaults/demo/detokenize', body: `{"token":["${CANARY}"]}` },
    ...[
      'authorization',
      'x-request-id',
      'user-agent',
      'content-type',
      'x-forwarded-for',
      'cookie',
      'x-other',
      'traceparent',
      'content-encoding',
      'accept',
      'referer',
    ].map((name) => ({ url: TOKENIZE, body: '{}', headers: { [name]: CANARY } })),
  ];

test('a planted secret comes back in no answer, log line or metric, however the request fails', async () => {
  for (const operations of [
    {},
    { tokenize: failing('internal'), detokenize: failing('token_not_found') },
  ]) {
    const { app, lines, metrics } = makeFakeService({ operations });
    for (const { url, method = 'POST', body, headers } of REQUESTS) {
      const reply = await app.inject({
        method,
        url,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body }),
      });
      const seen = reply.body + JSON.stringify(reply.headers) + reply.statusMessage;
      assert.equal(seen.includes(CANARY), false, `${url} ${body}`);
    }
    await app.close();
    assert.equal(lines.length >= REQUESTS.length - 1, true);
    assert.equal(lines.join('').includes(CANARY), false);
    assert.equal((await metrics.expose()).body.includes(CANARY), false);
  }
});

test('a request line holds the route, never the URL', async () => {
  const { app, post, lines } = makeFakeService();
  await post(`${TOKENIZE}?a=b`, { field: 'email', value: 'x' });
  await app.close();
  const { time: _, ms, requestId, ...line } = JSON.parse(lines[0] ?? '{}');
  assert.deepEqual(line, {
    level: 'info',
    service: 'counterfoil',
    event: 'request',
    method: 'POST',
    route: '/v1/vaults/:vault/tokenize',
    status: 200,
  });
  assert.equal(typeof ms, 'number');
  assert.match(requestId, /^[0-9a-f-]{36}$/);
});

test('the names that logs redact are these: taking one off the list is a decision', () => {
  assert.deepEqual(sensitiveNames(), [
    'actor',
    'metadata',
    'query',
    'reference',
    'source',
    'subject',
    'tags',
    'token',
    'tokens',
    'value',
  ]);
});
