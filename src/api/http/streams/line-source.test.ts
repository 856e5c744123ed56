import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { makeLineSource } from './line-source.ts';

function openSource(more: { holds?: () => Promise<boolean> } = {}) {
  const body = new PassThrough();
  const draining = new AbortController();
  const source = makeLineSource<object>({
    body,
    maxLineBytes: 100,
    validate: () => true,
    draining: draining.signal,
    holds: async () => true,
    ...more,
  });
  return { body, draining, source, windows: source.windows[Symbol.asyncIterator]() };
}

test('a request that is read to its end was left by nobody', async () => {
  const { body, source, windows } = openSource();
  body.end('{"a":1}\n{"b":2}');
  assert.deepEqual((await windows.next()).value, [{ input: { a: 1 } }]);
  assert.deepEqual((await windows.next()).value, [{ input: { b: 2 } }]);
  assert.equal((await windows.next()).done, true);
  assert.equal(source.endedBy(), undefined);
});

test('a stream that begins or waits while the service drains is told so at once', async () => {
  for (const moment of ['before', 'while it waits'] as const) {
    const { draining, source, windows } = openSource();
    if (moment === 'before') draining.abort();
    const next = windows.next();
    await new Promise(setImmediate);
    draining.abort();
    assert.equal((await next).done, true, moment);
    assert.equal(source.endedBy(), 'overloaded', moment);
  }
});

test('when the service drains, half a line is not read', async () => {
  const { body, draining, source, windows } = openSource();
  body.write('{"a":1}\n{"b":');
  assert.deepEqual((await windows.next()).value, [{ input: { a: 1 } }]);
  draining.abort();
  body.end('2}\n');
  assert.equal((await windows.next()).done, true);
  assert.equal(source.endedBy(), 'overloaded');
});

test('the credential is asked for before each window, and none is read without it', async () => {
  let checks = 0;
  const holds = async () => {
    checks += 1;
    return checks < 3;
  };
  const { body, source, windows } = openSource({ holds });
  body.end('{}\n'.repeat(1500));
  assert.equal((await windows.next()).value?.length, 500);
  assert.equal((await windows.next()).value?.length, 500);
  assert.equal((await windows.next()).done, true);
  assert.equal(source.endedBy(), 'unauthenticated');
});
