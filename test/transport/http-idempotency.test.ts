import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { ROUTES } from '../../src/api/http/routes/table.ts';
import { failing, GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

const service = makeFakeService();
after(() => service.app.close());

const KEY = 'canary-of-a-key';
const HEEDING = ['tokenize', 'tokenizeBatch'];

test('a key reaches the operation with the route and the body as it came', async () => {
  const body = `{ "value":"caf\\u00e9 \u00e9",\n "field":"name" }`;
  await service.post(TOKENIZE, body, { 'idempotency-key': KEY });
  assert.deepEqual(service.seen.at(-1)?.call.idempotency, {
    key: KEY,
    route: '/v1/vaults/:vault/tokenize',
    body,
  });
  await service.post(`${TOKENIZE}/batch`, { items: [GOOD_BODY] }, { 'idempotency-key': KEY });
  assert.deepEqual(service.seen.at(-1)?.call.idempotency, {
    key: KEY,
    route: '/v1/vaults/:vault/tokenize/batch',
    body: JSON.stringify({ items: [GOOD_BODY] }),
  });
});

test('without a key nothing is kept of the body', async () => {
  await service.post(TOKENIZE, GOOD_BODY);
  assert.equal('idempotency' in (service.seen.at(-1)?.call ?? {}), false);
});

test('an answer is the same with and without a key, in status, headers and size', async () => {
  const answers = [
    await service.post(TOKENIZE, GOOD_BODY),
    await service.post(TOKENIZE, GOOD_BODY, { 'idempotency-key': KEY }),
  ].map(({ statusCode, headers, body }) => {
    const { 'x-request-id': _, date: __, ...rest } = headers;
    return { statusCode, rest, body };
  });
  assert.deepEqual(answers[0], answers[1]);
});

test('every other route refuses the header, on record, and never ignores it', async () => {
  for (const route of ROUTES) {
    if (HEEDING.includes(route.operationId)) continue;
    const url = Object.entries(route.parameters).reduce(
      (path, [name, { example }]) => path.replace(name === '*' ? '*' : `:${name}`, example),
      route.url,
    );
    const headers = { 'idempotency-key': KEY };
    const reply =
      route.body === undefined
        ? await service.get(url, headers)
        : await service.post(url, route.body.example as object, {
            ...headers,
            'content-type': route.mediaType ?? 'application/json',
          });
    assert.equal(reply.statusCode, 400, route.operationId);
    assert.deepEqual(reply.json().errors, [{ path: 'Idempotency-Key', rule: 'not_supported' }]);
    if (route.auth === 'bearer') assert.equal(service.seen.at(-1)?.operation, 'reject');
  }
});

/** Sent as bytes: the test client tidies headers up. */
async function sendRaw(...headers: string[]): Promise<string> {
  const { app } = makeFakeService();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const body = JSON.stringify(GOOD_BODY);
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  const lines = [
    `POST ${TOKENIZE} HTTP/1.1`,
    'Host: x',
    'Connection: close',
    `Authorization: Bearer ${TOKEN}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...headers,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  const answer = await text(socket);
  await app.close();
  return answer;
}

const WRONG: [string, string[], string][] = [
  ['an empty key', ['Idempotency-Key:'], 'malformed'],
  ['a key of 256 characters', [`Idempotency-Key: ${'k'.repeat(256)}`], 'malformed'],
  ['a key beyond ASCII', ['Idempotency-Key: caf\u00e9'], 'malformed'],
  ['a tab in a key', ['Idempotency-Key: a\tb'], 'malformed'],
  ['two keys', ['Idempotency-Key: a', 'idempotency-key: b'], 'repeated'],
  ['the same key twice', ['Idempotency-Key: a', 'Idempotency-Key: a'], 'repeated'],
];

for (const [name, headers, rule] of WRONG) {
  test(`${name} is refused`, async () => {
    const answer = await sendRaw(...headers);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, new RegExp(`"path":"Idempotency-Key","rule":"${rule}"`));
  });
}

test('1 and 255 printable characters are keys, spaces and commas inside included', async () => {
  for (const key of ['k', 'k'.repeat(255), 'a, b', '"quoted"']) {
    assert.match(await sendRaw(`Idempotency-Key: ${key}`), /^HTTP\/1\.1 200 /, key);
  }
});

test('a key is in no answer, log line or metric, however the call ends', async () => {
  for (const operations of [{}, { tokenize: failing('idempotency_mismatch') }]) {
    const { app, post, lines, metrics } = makeFakeService({ operations });
    const reply = await post(TOKENIZE, GOOD_BODY, { 'idempotency-key': KEY });
    const malformed = await post(TOKENIZE, '{', { 'idempotency-key': KEY });
    await app.close();
    for (const seen of [reply, malformed]) {
      assert.equal(JSON.stringify([seen.headers, seen.body]).includes(KEY), false);
    }
    assert.equal(lines.join('').includes(KEY), false);
    assert.equal((await metrics.expose()).body.includes(KEY), false);
  }
});
