import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorCode, VaultError } from '../../src/domain/errors.ts';
import {
  DETOKENIZE,
  failing,
  GOOD_BODY,
  makeFakeService,
  TOKEN,
  TOKENIZE,
} from './fake-service.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];
/** These leave without a receipt; the others need one. */
const WITHOUT_RECEIPT: ReadonlySet<ErrorCode> = new Set(['audit_unavailable']);

for (const code of CODES) {
  test(`${code} from an operation is answered by its row of the table`, async () => {
    const { app, post } = makeFakeService({ operations: { tokenize: failing(code, 'event-7') } });
    const reply = await post(TOKENIZE, GOOD_BODY);
    assert.equal(reply.statusCode, ERRORS[code].status);
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
    assert.deepEqual(reply.json(), {
      type: `/docs/errors#${code}`,
      title: ERRORS[code].title,
      status: ERRORS[code].status,
      code,
    });
    assert.equal(reply.headers['audit-event-id'], 'event-7');
    assert.match(String(reply.headers['x-request-id']), /^[0-9a-f-]{36}$/);
    assert.equal(reply.body.includes(String(reply.headers['x-request-id'])), false);
    await app.close();
  });
}

test('a failure that its operation did not record is recorded before it is answered', async () => {
  for (const code of CODES.filter((one) => !WITHOUT_RECEIPT.has(one))) {
    const { app, post, seen } = makeFakeService({ operations: { tokenize: failing(code) } });
    const reply = await post(TOKENIZE, GOOD_BODY);
    assert.equal(reply.statusCode, ERRORS[code].status);
    assert.equal(reply.headers['audit-event-id'], 'event-reject');
    assert.deepEqual(
      seen.map(({ operation, input }) => [operation, input]),
      [['reject', code]],
    );
    await app.close();
  }
});

test('a failure that cannot be recorded is answered by audit_unavailable', async () => {
  for (const code of CODES) {
    const { app, post } = makeFakeService({
      operations: { tokenize: failing(code), reject: failing('audit_unavailable') },
    });
    const reply = await post(TOKENIZE, GOOD_BODY);
    assert.equal(reply.json().code, 'audit_unavailable');
    assert.equal(reply.headers['audit-event-id'], undefined);
    assert.equal(reply.headers['retry-after'], '1');
    await app.close();
  }
});

test('refused and missing are the same bytes and the same headers', async () => {
  const answers = await Promise.all(
    ['refused', 'missing'].map(async (detail) => {
      const { app, post } = makeFakeService({
        operations: {
          detokenize: async () => {
            throw Object.assign(new VaultError('token_not_found', { detail, cause: detail }), {
              auditEventId: 'event-7',
            });
          },
        },
      });
      const { body, statusCode, headers } = await post(DETOKENIZE, { token: 'tok_1' });
      await app.close();
      const { 'x-request-id': _, date: __, ...rest } = headers;
      return { body, statusCode, headers: rest };
    }),
  );
  assert.deepEqual(answers[0], answers[1]);
});

test('an unknown error is internal, and only its class and code reach the log', async () => {
  const { app, post, lines } = makeFakeService({
    operations: {
      tokenize: async () => {
        throw Object.assign(new RangeError('canary-77 in the row'), {
          code: '22001',
          detail: 'canary-77',
        });
      },
    },
  });
  const reply = await post(TOKENIZE, GOOD_BODY);
  assert.equal(reply.json().code, 'internal');
  assert.equal(reply.body.includes('canary-77'), false);
  assert.equal(lines.join('').includes('canary-77'), false);
  const line = lines
    .map((text) => JSON.parse(text))
    .find(({ event }) => event === 'request_failed');
  assert.equal(line.error.cause.name, 'RangeError');
  assert.equal(line.error.cause.code, '22001');
  await app.close();
});

test('without a good credential nothing else of the request counts', async () => {
  const { app, seen } = makeFakeService();
  const attempts = [
    {},
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json', 'content-length': '99999999' },
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${TOKEN} `.repeat(2) },
  ];
  for (const headers of attempts) {
    const reply = await app.inject({ method: 'POST', url: TOKENIZE, headers, payload: '{broken' });
    assert.equal(reply.statusCode, 401);
    assert.equal(reply.json().code, 'unauthenticated');
    assert.equal(reply.headers['www-authenticate'], 'Bearer');
  }
  assert.deepEqual(
    seen.map(({ operation }) => operation),
    attempts.map(() => 'authFailed'),
  );
  await app.close();
});

test('a verifier that breaks admits nobody', async () => {
  const { app, post } = makeFakeService({
    authenticate: async () => {
      throw new TypeError('broken');
    },
  });
  assert.equal((await post(TOKENIZE, GOOD_BODY)).json().code, 'unauthenticated');
  await app.close();
});

test('an operation gets the caller, the source and the vault of the path, decoded, as they are', async () => {
  const { app, post, seen } = makeFakeService();
  await post('/v1/vaults/d%C3%A9mo%2F..%2Fx/tokenize', GOOD_BODY, {
    'user-agent': 'agent/1',
    'x-forwarded-for': '203.0.113.9',
  });
  const call = seen[0]?.call;
  assert.equal(call?.vault, 'démo/../x');
  assert.deepEqual(call?.source, { ip: '127.0.0.1', userAgent: 'agent/1' });
  assert.equal(call?.principal?.subject, 'someone');
  assert.deepEqual(seen[0]?.input, GOOD_BODY);
  await app.close();
});

test('a forwarded address is believed from a configured proxy only', async () => {
  const ipFrom = async (trustProxy: readonly string[]) => {
    const { app, post, seen } = makeFakeService({ trustProxy });
    await post(TOKENIZE, GOOD_BODY, { 'x-forwarded-for': '203.0.113.9' });
    await app.close();
    return seen[0]?.call.source?.ip;
  };
  assert.equal(await ipFrom(['127.0.0.1/32']), '203.0.113.9');
  assert.equal(await ipFrom(['192.0.2.0/24']), '127.0.0.1');
});
