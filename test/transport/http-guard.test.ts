import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { VaultError } from '../../src/domain/errors.ts';
import { failing, GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

// The promise: no byte that a route produces leaves without proof that its event is durable.

const CANARY = 'canary-in-clear';
const URL = '/v1/planted';
const AUDITED = { auth: 'bearer', audit: 'required' } as const;

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A route of tomorrow whose author forgot the receipt. */
async function callPlanted(handler: Handler, more: Partial<RouteOptions> = {}) {
  const service = makeFakeService();
  service.app.route({ method: 'POST', url: URL, config: AUDITED, handler, ...more });
  const reply = await service.post(URL, {});
  await service.app.close();
  return reply;
}

const bytes = Buffer.from(CANARY);
const PAYLOADS: Record<string, Handler> = {
  'a string': () => CANARY,
  'an object': () => ({ value: CANARY }),
  'a buffer': () => bytes,
  'a typed array': (_request, reply) => reply.send(new Uint8Array(bytes)),
  'a stream': (_request, reply) => reply.send(Readable.from([CANARY])),
  'a web stream': (_request, reply) => reply.send(new Blob([CANARY]).stream()),
  'a Response': (_request, reply) => reply.send(new Response(CANARY, { headers: { x: CANARY } })),
  'a string under another status': (_request, reply) => reply.code(418).send(CANARY),
  'a problem of its own': (_request, reply) =>
    reply
      .code(401)
      .type('application/problem+json')
      .send(JSON.stringify({ code: CANARY })),
  'a serializer of its own': (_request, reply) => reply.serializer(() => CANARY).send({}),
  'an early answer that goes on': (_request, reply) => {
    reply.send(CANARY);
    return { late: CANARY };
  },
  headers: (_request, reply) =>
    reply
      .header('x-value', CANARY)
      .header('set-cookie', CANARY)
      .header('location', CANARY)
      .send(''),
  'a redirect': (_request, reply) => reply.redirect(`/x?${CANARY}`),
  'an exempt body with headers of its own': (_request, reply) => {
    reply.header('x-value', CANARY).header('x-request-id', CANARY).header('retry-after', CANARY);
    throw Object.assign(new VaultError('audit_unavailable'), { headers: { y: CANARY } });
  },
};

for (const [name, handler] of Object.entries(PAYLOADS)) {
  test(`without a receipt ${name} is withheld`, async () => {
    const reply = await callPlanted(handler);
    assert.equal(reply.statusCode, 503);
    assert.equal(reply.json().code, 'audit_unavailable');
    assert.equal(JSON.stringify(reply.headers).includes(CANARY), false);
    assert.equal(reply.body.includes(CANARY), false);
  });
}

test('without a receipt the answer of a hook or an own error handler is withheld, too', async () => {
  const hooks: Partial<RouteOptions>[] = [
    { preHandler: (_request, reply) => void reply.send(CANARY) },
    { preValidation: (_request, reply) => void reply.send({ value: CANARY }) },
    { onRequest: (_request, reply) => void reply.send(bytes) },
    { errorHandler: (_error, _request, reply) => void reply.send(CANARY) },
    { onSend: (_request, _reply, _payload, done) => done(null, CANARY) },
  ];
  for (const hook of hooks) {
    const reply = await callPlanted(() => {
      throw new Error(CANARY);
    }, hook);
    assert.equal(reply.body.includes(CANARY), false);
  }
});

test('a withheld stream is closed, not left open', async () => {
  const stream = Readable.from([CANARY]);
  await callPlanted((_request, reply) => reply.send(stream));
  assert.equal(stream.destroyed, true);
});

test('a withheld answer does not say that it may be cached', async () => {
  const reply = await callPlanted((_request, reply) =>
    reply.header('cache-control', 'public, max-age=604800, immutable').send(CANARY),
  );
  assert.equal(reply.headers['cache-control'], 'no-store');
});

test('HEAD without a receipt says no more than GET', async () => {
  const { app } = makeFakeService();
  app.get(URL, { config: AUDITED }, (_request, reply) =>
    reply.header('x-value', CANARY).send(CANARY),
  );
  const headers = { authorization: `Bearer ${TOKEN}` };
  const withheld = await app.inject({ method: 'HEAD', url: URL, headers });
  assert.equal(withheld.statusCode, 503);
  assert.equal(JSON.stringify(withheld.headers).includes(CANARY), false);
  assert.equal(withheld.headers['audit-event-id'], undefined);
  assert.equal((await app.inject({ method: 'HEAD', url: URL })).statusCode, 401);
  await app.close();
});

test('with a receipt the answer leaves, and names its event', async () => {
  const reply = await callPlanted((request) => {
    request.auditReceipt = { eventId: 'event-9' };
    return { value: CANARY };
  });
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(reply.json(), { value: CANARY });
  assert.equal(reply.headers['audit-event-id'], 'event-9');
});

test('an answer that cannot be serialized is internal, and says nothing of itself', async () => {
  const { app, post } = makeFakeService({
    operations: {
      revoke: (async () => ({
        output: { revoked: CANARY },
        receipt: { eventId: 'event-9' },
      })) as never,
    },
  });
  const reply = await post('/v1/vaults/demo/tokens/revoke', { tokens: ['t'] });
  assert.equal(reply.json().code, 'internal');
  assert.equal(reply.body.includes(CANARY), false);
  await app.close();
});

test('members that the schema does not name stay inside', async () => {
  const { app, post } = makeFakeService({
    operations: {
      tokenize: async () => ({
        output: { token: 'tok_1', value: CANARY },
        receipt: { eventId: 'event-9' },
      }),
    },
  });
  assert.deepEqual((await post(TOKENIZE, GOOD_BODY)).json(), { token: 'tok_1' });
  await app.close();
});

test('one odd batch item does not take the others along', async () => {
  const items = [{ token: 'tok_1' }, {}, { token: 5 }, { error: { code: 'internal' } }];
  const { app, post } = makeFakeService({
    operations: {
      tokenizeBatch: (async () => ({ output: { items }, receipt: { eventId: 'e' } })) as never,
    },
  });
  const reply = await post('/v1/vaults/demo/tokenize/batch', { items: [GOOD_BODY] });
  assert.equal(reply.statusCode, 200);
  assert.equal(reply.json().items.length, 4);
  assert.deepEqual(reply.json().items[0], { token: 'tok_1' });
  await app.close();
});

test('a server does not start with a route that hides who may call it or whether it is audited', async () => {
  const configs: RouteOptions['config'][] = [
    undefined,
    {},
    { auth: 'bearer' },
    { audit: 'none' },
    { auth: 'bearer', audit: 'none' },
    { auth: 'public', audit: 'none' },
    { auth: 'public', audit: 'required' },
  ];
  for (const config of configs) {
    const { app } = makeFakeService();
    assert.throws(
      () => app.get('/v1/planted', config === undefined ? {} : { config }, () => CANARY),
      /config\.auth|list of public routes|must be audited/,
    );
    await app.close();
  }
});

test('a planted route still needs the credential', async () => {
  const { app } = makeFakeService();
  app.get(URL, { config: AUDITED }, (request) => {
    request.auditReceipt = { eventId: 'e' };
    return CANARY;
  });
  assert.equal((await app.inject(URL)).statusCode, 401);
  const reply = await app.inject({ url: URL, headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(reply.body, CANARY);
  await app.close();
});

test('when failures cannot be recorded, malformed requests get audit_unavailable', async () => {
  const { app, post } = makeFakeService({ operations: { reject: failing('audit_unavailable') } });
  const types = { 'content-type': 'text/plain' };
  const replies = [
    await post(TOKENIZE, '{'),
    await post(TOKENIZE, { unknown: 1 }),
    await post(TOKENIZE, GOOD_BODY, types),
    await post(TOKENIZE, 'x'.repeat(4 * 1024 * 1024 + 1)),
    await post('/v1/vaults/demo/nothing', GOOD_BODY),
  ];
  assert.deepEqual(
    replies.map((reply) => reply.json().code),
    replies.map(() => 'audit_unavailable'),
  );
  await app.close();
});

test('no route, and nothing that streams, steps around the guard by writing to the socket itself', () => {
  const folder = join(import.meta.dirname, '../../src/api/http');
  const routes = readdirSync(join(folder, 'routes')).map((file) => `routes/${file}`);
  const streams = readdirSync(join(folder, 'streams')).map((file) => `streams/${file}`);
  assert.notEqual(routes.length * streams.length, 0);
  for (const file of [...routes, ...streams, 'stream-route.ts']) {
    const source = readFileSync(join(folder, file), 'utf8');
    assert.doesNotMatch(
      source,
      /hijack|trailer|writeEarlyHints|reply\.raw\.(?!once\b|destroyed\b)/,
    );
    if (file !== 'stream-route.ts') assert.doesNotMatch(source, /\.raw\b/, file);
  }
});
