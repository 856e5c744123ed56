import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { VaultError } from '../../src/domain/errors.ts';
import type { Operations } from '../../src/operations/operation.ts';
import { failing, GOOD_BODY, makeFakeService, TOKENIZE } from './fake-service.ts';

const CANARY = 'canary-c0ffee';
const STREAM = `${TOKENIZE}/stream`;
const NDJSON = { 'content-type': 'application/x-ndjson' };
const GOOD = JSON.stringify(GOOD_BODY);

const service = makeFakeService();
after(() => service.app.close());

/** What became of each line: its token, or the code of its error. */
function fatesOf(body: string): string[] {
  assert.equal(body === '' || body.endsWith('\n'), true);
  return body
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const { token, error } = JSON.parse(line);
      return token ?? error.code;
    });
}

test('lines in, lines out, with the receipt of the first window', async () => {
  const reply = await service.post(STREAM, `${GOOD}\n${GOOD}\r\n${GOOD}`, NDJSON);
  assert.equal(reply.statusCode, 200);
  assert.equal(reply.headers['content-type'], 'application/x-ndjson');
  assert.equal(reply.headers['audit-event-id'], 'event-tokenizeStream');
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.deepEqual(fatesOf(reply.body), ['tok_1', 'tok_1', 'tok_1']);
  assert.deepEqual(service.seen.at(-1)?.input, { input: GOOD_BODY });
});

test('each line of a detokenize stream has its own view and reason', async () => {
  const { app, post, seen } = makeFakeService();
  const asks = [
    { token: 't1', view: 'masked', purpose: 'support-ticket' },
    { token: 't2', field: 'email', purpose: 'delivery', reference: 'case 7', approval: 'a' },
  ];
  const body = asks.map((ask) => JSON.stringify(ask)).join('\n');
  const reply = await post('/v1/vaults/demo/detokenize/stream', body, NDJSON);
  await app.close();
  assert.deepEqual(
    reply.body,
    `${JSON.stringify({ value: 'in clear', field: 'email', view: 'full' })}\n`.repeat(2),
  );
  assert.deepEqual(
    seen.map(({ input }) => input),
    asks.map((input) => ({ input })),
  );
});

test('a stream takes POST alone, and strangers learn nothing of it', async () => {
  const reply = await service.get(STREAM);
  assert.equal(reply.statusCode, 405);
  assert.equal(reply.headers['allow'], 'POST');
  const stranger = await service.post(STREAM, GOOD, { ...NDJSON, authorization: 'Bearer x' });
  assert.equal(stranger.statusCode, 401);
});

test('an empty stream is answered with nothing', async () => {
  const reply = await service.post(STREAM, '', NDJSON);
  assert.equal(reply.statusCode, 200);
  assert.equal(reply.body, '');
  assert.equal(reply.headers['audit-event-id'], 'event-tokenizeStream');
});

const NO_LINES: Record<string, string | Buffer> = {
  'an empty line': '',
  'white space': '  ',
  'half an object': `{"field":"email","value":"${CANARY}`,
  'two documents': `${GOOD}${GOOD}`,
  'a bare word': CANARY,
  'a list': `[${GOOD}]`,
  'a number beyond all': '{"field":"email","value":"x","metadata":{"n":1e999}}',
  'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(GOOD)]),
  'invalid UTF-8': Buffer.concat([
    Buffer.from('{"field":"email","value":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]),
  'a lone surrogate': '{"field":"email","value":"\\ud800"}',
  'a duplicate key': `{"field":"email","value":"x","value":"${CANARY}"}`,
  __proto__: '{"field":"email","value":"x","__proto__":{"admin":true}}',
  'depth 33': `{"field":"email","value":"x","metadata":{"a":${'['.repeat(31)}${']'.repeat(31)}}}`,
  'an unknown member': `{"field":"email","value":"x","${CANARY}":1}`,
  'a missing member': '{"field":"email"}',
  'a wrong type': `{"field":"email","value":["${CANARY}"]}`,
  'a name that is none': `{"field":"${CANARY}!","value":"x"}`,
};

test('a line that is no body is an error of its own, says nothing of itself, and the stream goes on', async () => {
  const lines = Object.values(NO_LINES).flatMap((line) => [Buffer.from(line), Buffer.from('\n')]);
  const { app, post, lines: logged, metrics } = makeFakeService();
  const reply = await post(STREAM, Buffer.concat([...lines, Buffer.from(GOOD)]), NDJSON);
  const names = Object.keys(NO_LINES);
  assert.deepEqual(fatesOf(reply.body), [...names.map(() => 'invalid_request'), 'tok_1']);
  assert.equal(reply.body.includes(CANARY), false);
  await app.close();
  assert.equal(logged.join('').includes(CANARY), false);
  assert.equal((await metrics.expose()).body.includes(CANARY), false);
});

test('the longest line is that of the largest single body; a longer one is too large, and no more', async () => {
  const { app, post } = makeFakeService({ limits: { bodyBytes: 200 } });
  const empty = JSON.stringify({ field: 'note', value: '' }).length;
  const line = (bytes: number) =>
    JSON.stringify({ field: 'note', value: 'x'.repeat(bytes - empty) });
  const body = [line(200), line(201), line(5000), GOOD].join('\n');
  const reply = await post(STREAM, body, NDJSON);
  await app.close();
  assert.deepEqual(fatesOf(reply.body), [
    'tok_1',
    'payload_too_large',
    'payload_too_large',
    'tok_1',
  ]);
});

test('windows hold at most 500 lines', async () => {
  const sizes: number[] = [];
  const tokenizeStream: Operations['tokenizeStream'] = async (_call, windows) => {
    const output = (async function* () {
      for await (const window of windows) {
        sizes.push(window.length);
        yield window.map(() => ({ token: 't' }));
      }
    })();
    return { output, receipt: { eventId: 'e' } };
  };
  const { app, post } = makeFakeService({ operations: { tokenizeStream } });
  const reply = await post(STREAM, `${GOOD}\n`.repeat(1201), NDJSON);
  await app.close();
  assert.equal(fatesOf(reply.body).length, 1201);
  assert.equal(Math.max(...sizes) <= 500, true);
});

test('only application/x-ndjson in UTF-8, sent as it is, is a stream, and is no body elsewhere', async () => {
  const accepted = [
    'application/x-ndjson',
    'APPLICATION/X-NDJSON',
    'application/x-ndjson; charset=utf-8',
    'application/x-ndjson;charset="UTF-8"',
  ];
  for (const type of accepted) {
    const reply = await service.post(STREAM, GOOD, { 'content-type': type });
    assert.equal(reply.statusCode, 200, type);
  }
  const refused = [
    'application/json',
    'application/ndjson',
    'text/plain',
    'application/x-ndjson; charset=latin1',
    'application/x-ndjson; x=y',
    'application/x-ndjson, application/json',
    'application/x-ndjson\t',
    '',
  ];
  for (const type of refused) {
    const reply = await service.post(STREAM, GOOD, { 'content-type': type });
    assert.equal(reply.json().code, 'unsupported_media_type', type);
  }
  const compressed = await service.post(STREAM, GOOD, { ...NDJSON, 'content-encoding': 'gzip' });
  assert.equal(compressed.statusCode, 415);
  assert.equal((await service.post(TOKENIZE, GOOD, NDJSON)).statusCode, 415);
});

test('what fails before the first window is a problem, as everywhere', async () => {
  for (const [code, status] of [
    ['vault_not_found', 404],
    ['forbidden', 403],
    ['audit_unavailable', 503],
  ] as const) {
    const { app, post } = makeFakeService({ operations: { tokenizeStream: failing(code, 'e-1') } });
    const reply = await post(STREAM, GOOD, NDJSON);
    await app.close();
    assert.equal(reply.statusCode, status);
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
    assert.equal(reply.json().code, code);
  }
});

test('without a receipt no line leaves', async () => {
  const tokenizeStream = (async () => ({
    output: (async function* () {
      yield [{ token: CANARY }];
    })(),
  })) as unknown as Operations['tokenizeStream'];
  const { app, post } = makeFakeService({ operations: { tokenizeStream } });
  const reply = await post(STREAM, GOOD, NDJSON);
  await app.close();
  assert.equal(reply.statusCode, 503);
  assert.equal(reply.body.includes(CANARY), false);
});

test('members that the schema does not name stay inside; a line that does not fit it is internal', async () => {
  const tokenizeStream = (async () => ({
    output: (async function* () {
      const odd = {
        get token() {
          throw new Error(CANARY);
        },
      };
      yield [{ token: 'tok_1', value: CANARY }, odd, { token: 'tok_2' }];
    })(),
    receipt: { eventId: 'e' },
  })) as unknown as Operations['tokenizeStream'];
  const { app, post } = makeFakeService({ operations: { tokenizeStream } });
  const reply = await post(STREAM, GOOD, NDJSON);
  await app.close();
  assert.deepEqual(fatesOf(reply.body), ['tok_1', 'internal', 'tok_2']);
  assert.equal(reply.body.includes(CANARY), false);
});

test('a credential that ends ends the stream, with one last line that says so', async () => {
  let checks = 0;
  const { app, post, seen } = makeFakeService({
    authenticate: async () => {
      checks += 1;
      // The first one is that of the request, the second that of its first window.
      if (checks > 2) throw new VaultError('unauthenticated');
      const { subject, issuer } = { subject: 's', issuer: 'i' };
      return { subject, issuer, roles: [], vaults: '*', mfa: false, credential: 'c' };
    },
  });
  const reply = await post(STREAM, `${GOOD}\n`.repeat(600), NDJSON);
  await app.close();
  assert.equal(reply.statusCode, 200);
  const fates = fatesOf(reply.body);
  assert.equal(fates.at(-1), 'unauthenticated');
  assert.equal(fates.length, 501);
  assert.equal(seen.at(-1)?.operation, 'authFailed');
});
