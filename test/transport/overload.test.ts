import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GOOD_BODY, makeFakeService, TOKENIZE } from './fake-service.ts';

test('an instance under memory pressure sheds before it authenticates, and says when to come back', async () => {
  const { app, post, seen } = makeFakeService({ limits: { heapUsedBytes: 1 } });
  await app.ready();
  // The pressure is sampled each second.
  await sleep(1100);
  const reply = await post(TOKENIZE, GOOD_BODY, { authorization: 'Bearer wrong' });
  assert.equal(reply.statusCode, 503);
  assert.equal(reply.json().code, 'overloaded');
  assert.equal(reply.headers['retry-after'], '1');
  assert.deepEqual(seen, []);
  await app.close();
});

test('the lag of a start sheds nobody, the lag of load does', async (t) => {
  const { app, post } = makeFakeService({ limits: { eventLoopDelayMs: 0.001 } });
  t.after(() => app.close());
  await app.ready();
  await sleep(1100);
  assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 200);
  t.mock.method(performance, 'now', () => Number.MAX_SAFE_INTEGER);
  assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 503);
});
