import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { LARGE, makeBusyService } from './busy-service.ts';
import { DETOKENIZE, GOOD_BODY, TOKENIZE } from './fake-service.ts';

// Whoever is one too many hears so before anything is spent on them, and whoever is not is served.

const KIB = 1024;
test('a full instance refuses before it looks at the credential, and records nothing', async (t) => {
  const { occupy, post, verified, seen, refusedFor } = makeBusyService(t, {
    limits: { requestsInFlight: 3 },
  });
  await occupy(3);
  const before = { verified: verified.length, seen: seen.length };
  for (const authorization of ['Bearer wrong', 'Bearer other', '']) {
    const reply = await post(DETOKENIZE, GOOD_BODY, { authorization });
    assert.equal(reply.statusCode, 503);
    assert.equal(reply.json().code, 'overloaded');
    assert.equal(reply.headers['audit-event-id'], undefined);
    assert.equal(reply.headers['cache-control'], 'no-store');
  }
  assert.deepEqual({ verified: verified.length, seen: seen.length }, before);
  assert.equal(await refusedFor('full'), 3);
});

test('those who are refused together are told to come back at different times', async (t) => {
  const { occupy, post } = makeBusyService(t, { limits: { requestsInFlight: 1 } });
  await occupy(1);
  const replies = await Promise.all(Array.from({ length: 60 }, () => post(DETOKENIZE, GOOD_BODY)));
  const times = replies.map(({ headers }) => String(headers['retry-after']));
  assert.ok(times.every((time) => /^[1-3]$/.test(time)));
  assert.equal(new Set(times).size, 3);
});

test('as soon as the work is done, everybody is served again', async (t) => {
  const { occupy, finish, post } = makeBusyService(t, { limits: { requestsInFlight: 2 } });
  const answers = await occupy(2);
  assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 503);
  finish();
  for (const answer of answers) assert.equal((await answer).statusCode, 200);
  for (let count = 0; count < 10; count += 1) {
    assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 200);
  }
});

test('one caller cannot starve another: at the limit, each may hold a share', async (t) => {
  const { occupy, post, seen, refusedFor } = makeBusyService(t, {
    limits: { requestsInFlight: 20 },
  });
  await occupy(16);
  assert.equal(
    (await post(DETOKENIZE, { token: 't' }, { authorization: 'Bearer modest' })).statusCode,
    200,
  );
  const before = seen.length;
  const reply = await post(DETOKENIZE, { token: 't' }, { authorization: 'Bearer greedy' });
  assert.equal(reply.json().code, 'overloaded');
  // A refusal is no event, also where the caller is known.
  assert.equal(seen.length, before);
  assert.equal(await refusedFor('share'), 1);
  assert.equal(
    (await post(DETOKENIZE, { token: 't' }, { authorization: 'Bearer modest' })).statusCode,
    200,
  );
});

test('large bodies are refused by their declared length while they would fill the memory', async (t) => {
  const { post, occupy, verified, refusedFor, finish } = makeBusyService(t, {
    limits: { largeBodiesBytes: 100 * KIB },
  });
  const two = await occupy(2, 'Bearer modest', LARGE);
  const reply = await post(TOKENIZE, LARGE);
  assert.equal(reply.json().code, 'overloaded');
  assert.equal(verified.length, 2);
  assert.equal(await refusedFor('bodies'), 1);
  assert.equal((await post(DETOKENIZE, { token: 't' })).statusCode, 200);
  finish();
  for (const answer of two) assert.equal((await answer).statusCode, 200);
  assert.equal((await post(TOKENIZE, LARGE)).statusCode, 200);
});

test('a large body that declares no length ends when it would fill the memory, and its sender is told', async (t) => {
  const service = makeBusyService(t, { limits: { largeBodiesBytes: 100 * KIB } });
  const twice = { ...LARGE, value: LARGE.value.repeat(2) };
  const [first] = await service.occupy(1, 'Bearer modest', twice);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
  const sender = httpRequest({ port, path: TOKENIZE, method: 'POST', headers });
  sender.end(JSON.stringify(LARGE));
  const [answer] = await once(sender, 'response');
  const text = (await answer.toArray()).join('');
  assert.equal(answer.statusCode, 503);
  assert.equal(JSON.parse(text).code, 'overloaded');
  assert.equal(await service.refusedFor('bodies'), 1);
  service.finish();
  assert.equal((await first)?.statusCode, 200);
});

test('chunked bodies arrive whole, and over the limit of a body they are too large as ever', async (t) => {
  const service = makeBusyService(t, { limits: { bodyBytes: 64 * KIB } });
  service.finish();
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
  for (const [body, status] of [
    [LARGE, 200],
    [{ ...LARGE, value: LARGE.value.repeat(2) }, 413],
  ] as const) {
    const sender = httpRequest({ port, path: TOKENIZE, method: 'POST', headers });
    sender.end(JSON.stringify(body));
    const [answer] = await once(sender, 'response');
    await answer.toArray();
    assert.equal(answer.statusCode, status);
  }
});

test('an instance whose heap is full sheds before it authenticates', async (t) => {
  const { app, post, verified, refusedFor } = makeBusyService(t, { limits: { heapUsedBytes: 1 } });
  await app.ready();
  const reply = await post(TOKENIZE, GOOD_BODY);
  assert.equal(reply.statusCode, 503);
  assert.equal(reply.json().code, 'overloaded');
  assert.deepEqual(verified, []);
  assert.equal(await refusedFor('memory'), 1);
});

test('refusals that are held back leave at once when the server stops', async (t) => {
  const { app, occupy, post, finish } = makeBusyService(t, { limits: { requestsInFlight: 1 } });
  const [work] = await occupy(1);
  const held = post(DETOKENIZE, GOOD_BODY);
  await new Promise(setImmediate);
  const closed = app.close();
  assert.equal((await held).json().code, 'overloaded');
  finish();
  assert.equal((await work)?.statusCode, 200);
  await closed;
});

test('how full a server is can be read', async (t) => {
  const { occupy, metrics } = makeBusyService(t, { limits: { requestsInFlight: 20 } });
  await occupy(5);
  const { body } = await metrics.expose();
  assert.match(body, /^counterfoil_overload_units 5$/m);
  assert.match(body, /^counterfoil_overload_limit_units 20$/m);
});
