import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GOOD_BODY, makeFakeService, TOKENIZE } from './fake-service.ts';

const CANARY = 'canary-c0ffee';
const service = makeFakeService();
after(() => service.app.close());

async function refused(
  url: string,
  body: string | Buffer | object,
): Promise<{ path: string; rule: string }[]> {
  const reply = await service.post(url, body);
  assert.equal(reply.statusCode, 400, String(body).slice(0, 100));
  const problem = reply.json();
  assert.equal(problem.code, 'invalid_request');
  assert.equal(reply.headers['audit-event-id'], 'event-reject');
  assert.equal(JSON.stringify([problem, reply.headers]).includes(CANARY), false);
  return problem.errors ?? [];
}

const TOO_MANY_TAGS = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`t${n}`, n]));
const BODY = JSON.stringify(GOOD_BODY);
const NOT_JSON: Record<string, string | Buffer> = {
  'an empty body': '',
  'white space': '  \n',
  'half an object': `{"field":"email","value":"${CANARY}`,
  'two documents': `${BODY}${BODY}`,
  'a trailing comma': '{"field":"email","value":"x",}',
  'a comment': `/* */${BODY}`,
  'single quotes': "{'field':'email','value':'x'}",
  'a bare word': CANARY,
  NaN: '{"field":"email","value":NaN}',
  'a number beyond all': '{"field":"email","value":"x","metadata":{"n":1e999}}',
  'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(BODY)]),
  'UTF-16': Buffer.from(BODY, 'utf16le'),
  'invalid UTF-8': Buffer.concat([
    Buffer.from('{"field":"email","value":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]),
  'overlong UTF-8': Buffer.concat([
    Buffer.from('{"field":"email","value":"'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from('"}'),
  ]),
  'an encoded surrogate': Buffer.concat([
    Buffer.from('{"field":"email","value":"'),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from('"}'),
  ]),
  'a lone surrogate': '{"field":"email","value":"\\ud800"}',
  'a lone surrogate in a key': '{"field":"email","value":"x","metadata":{"\\udc00":1}}',
  'a duplicate key': `{"field":"email","value":"x","value":"${CANARY}"}`,
  'a duplicate key, spelled in another way': '{"field":"email","value":"x","v\\u0061lue":"y"}',
  'a duplicate key far inside': '{"field":"email","value":"x","metadata":{"a":[{"b":1,"b":2}]}}',
  __proto__: '{"field":"email","value":"x","__proto__":{"admin":true}}',
  '__proto__ in metadata': '{"field":"email","value":"x","metadata":{"__proto__":{"a":1}}}',
  'depth 33': `{"field":"email","value":"x","metadata":{"a":${'['.repeat(31)}${']'.repeat(31)}}}`,
  'a raw control character': '{"field":"email","value":"\n"}',
};

for (const [name, body] of Object.entries(NOT_JSON)) {
  test(`${name} is no request`, async () => {
    await refused(TOKENIZE, body);
  });
}

test('depth 32 is a request', async () => {
  const body = `{"field":"email","value":"x","metadata":{"a":${'['.repeat(30)}${']'.repeat(30)}}}`;
  assert.equal((await service.post(TOKENIZE, body)).statusCode, 200);
});

test('a schema problem names path and rule, never the value or an unknown name', async () => {
  const cases: [string, object, string, string][] = [
    ['tokenize', { ...GOOD_BODY, [CANARY]: 1 }, '', 'additionalProperties'],
    ['tokenize', { field: 'email' }, '/value', 'required'],
    ['tokenize', { ...GOOD_BODY, value: { [CANARY]: CANARY } }, '/value', 'type'],
    ['tokenize', { ...GOOD_BODY, value: null }, '/value', 'type'],
    ['tokenize', { ...GOOD_BODY, value: 4111 }, '/value', 'type'],
    ['tokenize', { ...GOOD_BODY, field: `${CANARY}!` }, '/field', 'pattern'],
    ['tokenize', { ...GOOD_BODY, field: 'a'.repeat(64) }, '/field', 'maxLength'],
    ['tokenize', { ...GOOD_BODY, subject: '' }, '/subject', 'minLength'],
    ['tokenize', { ...GOOD_BODY, subject: 'a\u0000b' }, '/subject', 'pattern'],
    ['tokenize', { ...GOOD_BODY, subject: 'a'.repeat(257) }, '/subject', 'maxLength'],
    ['tokenize', { ...GOOD_BODY, metadata: [CANARY] }, '/metadata', 'type'],
    ['tokenize', { ...GOOD_BODY, expiresAt: CANARY }, '/expiresAt', 'pattern'],
    ['tokenize', { ...GOOD_BODY, expiresAt: '2030-01-01T00:00:00' }, '/expiresAt', 'pattern'],
    [
      'tokenize/batch',
      { items: [GOOD_BODY, { ...GOOD_BODY, value: 1 }] },
      '/items/1/value',
      'type',
    ],
    ['tokenize/batch', { items: [] }, '/items', 'minItems'],
    ['tokenize/batch', { items: Array(1001).fill(GOOD_BODY) }, '/items', 'maxItems'],
    ['tokenize/batch', { items: GOOD_BODY }, '/items', 'type'],
    ['detokenize', { token: 'a\u0000' }, '/token', 'pattern'],
    ['detokenize', { token: '' }, '/token', 'minLength'],
    ['detokenize', { token: 't', view: 'a b' }, '/view', 'pattern'],
    ['detokenize', { token: 't', purpose: 'p'.repeat(65) }, '/purpose', 'maxLength'],
    ['detokenize', { token: 't', reference: 'r\n' }, '/reference', 'pattern'],
    ['detokenize/batch', { tokens: [] }, '/tokens', 'minItems'],
    ['detokenize/batch', { tokens: Array(1001).fill('t') }, '/tokens', 'maxItems'],
    ['detokenize/batch', { tokens: ['t', { token: 't', [CANARY]: 1 }] }, '/tokens/1', 'anyOf'],
    ['lookup', { ...GOOD_BODY, expiresAt: 'x' }, '', 'additionalProperties'],
    ['tokens/inspect', { token: ['t'] }, '/token', 'type'],
    ['tokens/revoke', { tokens: 't' }, '/tokens', 'type'],
    ['tokens/revoke', { tokens: Array(1001).fill('t') }, '/tokens', 'maxItems'],
    ['tokens/import', { items: [GOOD_BODY] }, '/items/0/token', 'required'],
    ['tokens/import', { items: [{ ...GOOD_BODY, token: '~x' }] }, '/items/0/token', 'pattern'],
    ['tokens/import', { items: [{ ...GOOD_BODY, token: 'a b' }] }, '/items/0/token', 'pattern'],
    ['tokens/import', { items: [{ ...GOOD_BODY, token: 'é' }] }, '/items/0/token', 'pattern'],
    [
      'tokens/import',
      { items: [{ ...GOOD_BODY, token: 't'.repeat(257) }] },
      '/items/0/token',
      'maxLength',
    ],
    ['tokens/search', { tags: { a: null } }, '/tags/a', 'anyOf'],
    ['tokens/search', { tags: { a: 'x'.repeat(257) } }, '/tags/a', 'anyOf'],
    ['tokens/search', { tags: TOO_MANY_TAGS }, '/tags', 'maxProperties'],
    ['tokens/search', { limit: 1001 }, '/limit', 'maximum'],
    ['tokens/search', { from: '2026' }, '/from', 'pattern'],
    ['subjects/erase', {}, '/subject', 'required'],
    ['subjects/export', { subject: '' }, '/subject', 'minLength'],
  ];
  for (const [call, body, path, rule] of cases) {
    assert.deepEqual(await refused(`/v1/vaults/demo/${call}`, body), [{ path, rule }]);
  }
});

test('the outermost value must be an object', async () => {
  for (const body of ['[]', 'null', '"x"', '5', 'true']) {
    await refused(TOKENIZE, body);
  }
});

test('1,000 items, and NUL in a value, reach the operation as they are', async () => {
  const items = Array(1000).fill({ field: 'note', value: 'a\u0000b' });
  const reply = await service.post('/v1/vaults/demo/tokenize/batch', { items });
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(service.seen.at(-1)?.input, { items });
});

test('a token that holds a long value reaches the operation', async () => {
  const token = `note~1.${'A'.repeat(30_000)}`;
  assert.equal((await service.post('/v1/vaults/demo/detokenize', { token })).statusCode, 200);
  assert.deepEqual(service.seen.at(-1)?.input, { token });
});

test('a body of 4 MiB passes, one byte more is too large', async () => {
  const empty = JSON.stringify({ field: 'note', value: '' }).length;
  const body = (bytes: number) =>
    JSON.stringify({ field: 'note', value: 'x'.repeat(bytes - empty) });
  assert.equal((await service.post(TOKENIZE, body(4 * 1024 * 1024))).statusCode, 200);
  const reply = await service.post(TOKENIZE, body(4 * 1024 * 1024 + 1));
  assert.equal(reply.statusCode, 413);
  assert.equal(reply.json().code, 'payload_too_large');
  assert.equal(reply.headers['audit-event-id'], 'event-reject');
});

test('media type is judged before size, size before syntax, syntax before schema', async () => {
  const tooLarge = 'x'.repeat(4 * 1024 * 1024 + 1);
  const types = { 'content-type': 'text/plain' };
  assert.equal((await service.post(TOKENIZE, tooLarge, types)).statusCode, 415);
  assert.equal((await service.post(TOKENIZE, tooLarge)).statusCode, 413);
  assert.equal((await refused(TOKENIZE, '{"unknown":1,')).at(0)?.rule, 'json_syntax');
});

const ACCEPTED_TYPES = [
  'application/json',
  'APPLICATION/JSON',
  'application/json;charset=utf-8',
  'application/json; charset=UTF-8',
  'application/json; charset="utf-8"',
];
const REFUSED_TYPES = [
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/problem+json',
  'application/json\t',
  'application/json\t; charset=utf-8',
  ' application/json',
  'application/json ; charset=utf-8',
  'application/json;',
  'application/json; charset=utf-16',
  'application/json; charset=latin1',
  'application/json; charset=utf-8; charset=utf-16',
  'application/json; x=y',
  'application/json, text/plain',
  'application/jsonx',
  'application /json',
  '',
];

test('only application/json, with an optional utf-8 charset, reaches a parser', async () => {
  for (const type of ACCEPTED_TYPES) {
    assert.equal(
      (await service.post(TOKENIZE, GOOD_BODY, { 'content-type': type })).statusCode,
      200,
      type,
    );
  }
  const before = service.seen.filter(({ operation }) => operation === 'tokenize').length;
  for (const type of REFUSED_TYPES) {
    // A broken body proves that the parser did not see it: it would be 400.
    const reply = await service.post(TOKENIZE, '{', { 'content-type': type });
    assert.equal(reply.json().code, 'unsupported_media_type', JSON.stringify(type));
  }
  const compressed = await service.post(TOKENIZE, GOOD_BODY, { 'content-encoding': 'gzip' });
  assert.equal(compressed.statusCode, 415);
  assert.equal(service.seen.filter(({ operation }) => operation === 'tokenize').length, before);
});
