import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  DETOKENIZE,
  type FakeOptions,
  GOOD_BODY,
  makeFakeService,
  TOKEN,
  TOKENIZE,
} from './fake-service.ts';

// What only a real socket shows: the parser, its limits, and the ends of connections.

async function listen(t: TestContext, options: FakeOptions = {}) {
  const service = makeFakeService(options);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => service.app.close());
  const { port } = service.app.server.address() as AddressInfo;
  return {
    ...service,
    port,
    /** Sends bytes as they are and gives all that comes back until the server closes. */
    async raw(bytes: string): Promise<string> {
      const socket = connect(port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('error', () => undefined);
      socket.write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
      return Buffer.concat(chunks).toString('latin1');
    },
  };
}

const AUTH = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const BODY = JSON.stringify(GOOD_BODY);
const JSON_HEADERS = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`;
const good = (path = TOKENIZE, more = 'Connection: close\r\n') =>
  `POST ${path} HTTP/1.1\r\n${AUTH}${JSON_HEADERS}${more}\r\n${BODY}`;

test('an ordinary request is answered', async (t) => {
  const { raw } = await listen(t);
  assert.match(await raw(good()), /^HTTP\/1\.1 200 [\s\S]*\{"token":"tok_1"\}$/);
});

test('headers over 16 KiB are 431 as a problem, which echoes nothing', async (t) => {
  const { raw } = await listen(t);
  const answer = await raw(`GET /docs HTTP/1.1\r\n${AUTH}X-Pad: ${'canary'.repeat(3000)}\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.match(answer, /content-type: application\/problem\+json/);
  assert.match(answer, /"code":"headers_too_large"/);
  assert.equal(answer.includes('canary'), false);
});

test('a token of 1 MiB never gets to the verifier', async (t) => {
  const { raw, seen } = await listen(t);
  const answer = await raw(
    `POST ${TOKENIZE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'A'.repeat(1 << 20)}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 431 |^$/);
  assert.deepEqual(seen, []);
});

/** Requests that two parsers could read in two ways (RFC 9112 §11.2), and plain noise. */
const AMBIGUOUS: Record<string, string> = {
  'both lengths': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}${JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  'a length that is no number': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Content-Length: +5\r\n\r\nhello`,
  'a space before the colon': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Content-Length : 5\r\n\r\nhello`,
  'an odd transfer coding': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Transfer-Encoding: xchunked\r\n\r\n`,
  'chunked not last': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked, gzip\r\n\r\n`,
  'a folded header': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}X-A: b\r\n\tTransfer-Encoding: chunked\r\n c\r\nContent-Length: x\r\n\r\n`,
  'a bare CR': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}X-A: b\rX-B: c\r\n\r\n`,
  'NUL in a header': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}X-A: b\0c\r\n\r\n`,
  'no host': `POST ${TOKENIZE} HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  'a chunk size that is no number': `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n`,
  'another protocol': '\x16\x03\x01\x02\x00\x01\x00',
  'HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
};

for (const [name, bytes] of Object.entries(AMBIGUOUS)) {
  test(`${name} is never answered with success, and ends the connection`, async (t) => {
    const { raw, seen } = await listen(t);
    const answer = await raw(bytes);
    assert.match(answer, /^(HTTP\/1\.1 (400|401|404|411|505) [\s\S]*)?$/);
    assert.equal((answer.match(/HTTP\/1\.1 /g) ?? []).length <= 1, true);
    assert.equal(
      seen.some(({ operation }) => operation === 'tokenize'),
      false,
    );
  });
}

test('a smuggled second request is not answered as one', async (t) => {
  const { raw, seen } = await listen(t);
  await raw(
    `POST ${TOKENIZE} HTTP/1.1\r\n${AUTH}${JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${good(DETOKENIZE)}`,
  );
  assert.deepEqual(
    seen.filter(({ operation }) => operation === 'detokenize'),
    [],
  );
});

test('an absolute-form target and the server as target are not found', async (t) => {
  const { raw } = await listen(t);
  const absolute = await raw(good(`http://evil.example${TOKENIZE}`));
  assert.match(absolute, /^HTTP\/1\.1 404 /);
  assert.match(
    await raw(`OPTIONS * HTTP/1.1\r\n${AUTH}Connection: close\r\n\r\n`),
    /^HTTP\/1\.1 404 /,
  );
});

test('a path with dots in it is another path', async (t) => {
  const { raw } = await listen(t);
  const paths = [
    '/v1/./vaults/demo/tokenize',
    '/v1/vaults/demo/../demo/tokenize',
    '/v1/vaults/demo/%2e%2e/tokenize',
    '/docs/../v1/vaults/demo/tokenize',
    '/docs/..%2Fv1/vaults/demo/tokenize',
  ];
  for (const path of paths) {
    assert.match(await raw(good(path)), /^HTTP\/1\.1 404 /, path);
  }
});

test('CONNECT gets no tunnel', async (t) => {
  const { raw } = await listen(t);
  assert.equal(await raw(`CONNECT 127.0.0.1:22 HTTP/1.1\r\n${AUTH}\r\n`), '');
});

test('noise after a request that is still being worked on is not taken for its answer', async (t) => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { raw } = await listen(t, {
    operations: {
      tokenize: async () => {
        started.resolve();
        await release.promise;
        return { output: { token: 'tok_1' }, receipt: { eventId: 'e' } };
      },
    },
  });
  const answer = await raw(`${good(TOKENIZE, '')}NOISE\r\n\r\n`);
  release.resolve();
  assert.doesNotMatch(answer, /invalid_request/);
});

test('a slow client is cut off', async (t) => {
  const { port } = await listen(t, {
    limits: { headersMs: 200, requestMs: 300, idleSocketMs: 2000 },
  });
  for (const start of ['POST /v1', good().slice(0, -5)]) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(start);
    await once(socket, 'close');
  }
});

test('slow clients are cut off one by one, each in its own time, and a fast one among them is not', async (t) => {
  const { port } = await listen(t, { limits: { requestMs: 400, idleSocketMs: 5000 } });
  const open = (bytes: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket;
  };
  const slow: { waitedMs: Promise<number> }[] = [];
  const fast = open(good(TOKENIZE, ''));
  const answered = once(fast, 'data');
  for (let count = 0; count < 3; count += 1) {
    const startedMs = performance.now();
    const socket = open(good().slice(0, -5)).resume();
    slow.push({ waitedMs: once(socket, 'close').then(() => performance.now() - startedMs) });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const { waitedMs } of slow) {
    // Nobody pays for an older one: the timer fires by the millisecond, hence the margin.
    assert.ok((await waitedMs) > 390);
  }
  await answered;
  assert.equal(fast.destroyed, false);
  fast.destroy();
});

test('a client that hangs up leaves no request in flight', async (t) => {
  const release = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const { port, post, lines } = await listen(t, {
    limits: { requestsInFlight: 1 },
    operations: {
      tokenize: async () => {
        entered.resolve();
        await release.promise;
        return { output: { token: 'tok_1' }, receipt: { eventId: 'e' } };
      },
    },
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(good());
  await entered.promise;
  assert.equal((await post(TOKENIZE, GOOD_BODY)).json().code, 'overloaded');
  socket.destroy();
  while (!lines.some((line) => line.includes('"aborted":true'))) {
    await new Promise(setImmediate);
  }
  release.resolve();
  assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 200);
});

test('requests that wait in a pipeline leave with their connection', async (t) => {
  const release = Promise.withResolvers<void>();
  let entered = 0;
  const { port, post, lines } = await listen(t, {
    limits: { requestsInFlight: 3 },
    operations: {
      tokenize: async () => {
        entered += 1;
        await release.promise;
        return { output: { token: 'tok_1' }, receipt: { eventId: 'e' } };
      },
    },
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(good(TOKENIZE, '').repeat(3));
  while (entered < 3) await new Promise(setImmediate);
  assert.equal((await post(DETOKENIZE, { token: 't' })).json().code, 'overloaded');
  socket.destroy();
  const isOver = (line: string) => line.includes('"aborted":true');
  while (lines.filter(isOver).length < 3) await new Promise(setImmediate);
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await post(DETOKENIZE, { token: 't' })).statusCode, 200);
  }
  release.resolve();
});

test('a chunked body that nobody reads does not stand in front of the next request', async (t) => {
  const { raw } = await listen(t);
  const chunk = `${(200_000).toString(16)}\r\n${'x'.repeat(200_000)}\r\n0\r\n\r\n`;
  const unread = `GET /docs/errors HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`;
  const answers = await raw(`${unread}${good()}`);
  assert.match(answers, /^HTTP\/1\.1 200 [\s\S]*\{"token":"tok_1"\}$/);
});

test('while it drains, the server finishes what it has and refuses the rest as overloaded', async () => {
  const service = makeFakeService();
  const { app } = service;
  const release = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  app.route({
    method: 'POST',
    url: '/v1/slow',
    config: { auth: 'bearer', audit: 'required' },
    handler: async (request) => {
      entered.resolve();
      await release.promise;
      request.auditReceipt = { eventId: 'e' };
      return 'done';
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(`POST /v1/slow HTTP/1.1\r\n${AUTH}${JSON_HEADERS}\r\n${BODY}`);
  await entered.promise;
  const closed = app.close();
  socket.write(good());
  await new Promise((resolve) => setTimeout(resolve, 50));
  release.resolve();
  await Promise.all([closed, once(socket, 'close')]);
  const answers = Buffer.concat(chunks).toString();
  assert.match(answers, /^HTTP\/1\.1 200 [\s\S]*done/);
  assert.doesNotMatch(answers, /tok_1/);
});
