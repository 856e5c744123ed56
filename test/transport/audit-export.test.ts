import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuditedService } from './audited-service.ts';
import { makeFakeService, TOKEN } from './fake-service.ts';

const URL = '/v1/audit/export';
const receipt = { eventId: 'event-export' };

/** A service whose exports are what `content` yields; opened on a port. */
async function listenWith(content: () => AsyncIterable<Buffer>) {
  const { app } = makeFakeService({
    operations: {
      auditExport: async () => ({ output: { shard: '2026', content: content() }, receipt }),
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const ask = request({
    port: (app.server.address() as AddressInfo).port,
    path: URL,
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
  ask.end('{"format":"native"}');
  const [response] = await once(ask, 'response');
  return { app, ask, response };
}

test('every format comes with its type, a name, and the event that records it', async (t) => {
  const { app, postAs } = await makeAuditedService();
  t.after(() => app.close());
  for (const [format, type, name] of [
    ['native', 'application/x-ndjson', 'audit-2026.jsonl'],
    ['ocsf', 'application/x-ndjson', 'audit-2026.ocsf.jsonl'],
    ['csv', 'text/csv; charset=utf-8', 'audit-2026.csv'],
    ['tar', 'application/x-tar', 'audit-2026.tar'],
  ] as const) {
    const reply = await postAs('auditor', URL, { format });
    assert.equal(reply.statusCode, 200, format);
    assert.equal(reply.headers['content-type'], type);
    assert.equal(reply.headers['content-disposition'], `attachment; filename="${name}"`);
    assert.equal(reply.headers['cache-control'], 'no-store');
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
    assert.notEqual(reply.rawPayload.length, 0);
  }
  for (const body of [{}, { format: 'xml' }, { format: 'tar', vault: 'alpha' }]) {
    assert.equal((await postAs('auditor', URL, body)).json().code, 'invalid_request');
  }
  assert.equal((await postAs('desk', URL, { format: 'tar' })).json().code, 'forbidden');
});

test('an export that fails on the way is cut, and never looks complete', async (t) => {
  const { app, response } = await listenWith(async function* () {
    yield Buffer.from('first\n');
    await sleep(20);
    throw new Error('the store is gone');
  });
  t.after(() => app.close());
  assert.equal(response.statusCode, 200);
  await assert.rejects(text(response), { code: 'ECONNRESET' });
  assert.equal(response.complete, false);
});

test('an export that fails before its first byte is a problem', async (t) => {
  const { app, response } = await listenWith(async function* () {
    await sleep(5);
    if (app !== undefined) throw new Error('the store is gone');
    yield Buffer.alloc(0);
  });
  t.after(() => app.close());
  assert.equal(response.statusCode, 500);
  assert.equal(JSON.parse(await text(response)).code, 'internal');
});

test('a client that goes away ends the reading of the log', async (t) => {
  let ended: () => void;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const { app, ask, response } = await listenWith(async function* () {
    try {
      for (;;) {
        yield Buffer.alloc(1024, 'a');
        await sleep(1);
      }
    } finally {
      ended();
    }
  });
  t.after(() => app.close());
  await once(response, 'data');
  ask.destroy();
  await end;
});

test('a client that does not read holds the log back', async (t) => {
  let blocks = 0;
  const { app, ask, response } = await listenWith(async function* () {
    for (; blocks < 2_000; blocks += 1) yield Buffer.alloc(64 * 1024, 'a');
  });
  t.after(() => app.close());
  response.pause();
  let before = -1;
  // Until the buffers between here and there are full, and nothing moves any more.
  while (before !== blocks) {
    before = blocks;
    await sleep(100);
  }
  assert.equal(blocks < 2_000, true);
  ask.destroy();
});

test('without a receipt no byte of a stream leaves, and nothing is read', async (t) => {
  let reads = 0;
  const { app, post } = makeFakeService({
    operations: {
      auditExport: (async () => ({
        output: {
          shard: '2026',
          content: (async function* () {
            reads += 1;
            yield Buffer.from('canary-in-clear');
          })(),
        },
      })) as never,
    },
  });
  t.after(() => app.close());
  const reply = await post(URL, { format: 'native' });
  assert.equal(reply.statusCode, 503);
  assert.equal(reply.json().code, 'audit_unavailable');
  assert.equal(reply.headers['content-disposition'], undefined);
  assert.equal(reads, 0);
});
