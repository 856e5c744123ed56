import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LARGE, makeBusyService } from './busy-service.ts';
import { DETOKENIZE, type FakeOptions, GOOD_BODY } from './fake-service.ts';

// What is refused before the framework has seen it: over real connections, since injected requests pass no door.

/** A server that is full, and a way to write to it as no HTTP client would. */
async function makeFullServer(t: TestContext, limits: FakeOptions['limits'] = {}) {
  const service = makeBusyService(t, { limits: { requestsInFlight: 1, ...limits } });
  await service.app.listen({ port: 0, host: '127.0.0.1' });
  const [work] = limits.heapUsedBytes === undefined ? await service.occupy(1) : [];
  const { port } = service.app.server.address() as AddressInfo;
  const open = (sent: string) => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.write(sent);
    return socket;
  };
  return {
    ...service,
    work,
    open,
    /** Resolves with everything that came until the server closed the connection, or an answer was whole. */
    async exchange(sent: string): Promise<string> {
      let text = '';
      try {
        for await (const chunk of open(sent)) {
          text += chunk;
          if (text.endsWith('}')) break;
        }
      } catch {
        // Reset: what came before it counts.
      }
      return text;
    },
    async untilRefused(reason: string, count: number): Promise<void> {
      while ((await service.refusedFor(reason)) < count) await new Promise(setImmediate);
    },
  };
}

const WHOLE = `POST ${DETOKENIZE} HTTP/1.1\r\nHost: t\r\nX-Request-Id: ${'ab'.repeat(16)}\r\nContent-Length: 2\r\n\r\n{}`;

test('what is refused at the door gets the answer, the headers and the log line of any other refusal', async (t) => {
  const { exchange, post, lines, refusedFor, verified } = await makeFullServer(t);
  const before = verified.length;
  const text = await exchange(WHOLE);
  assert.match(text, /^HTTP\/1\.1 503 /);
  assert.match(text, new RegExp(`\r\nx-request-id: ${'ab'.repeat(16)}\r\n`));
  assert.match(text, /\r\nretry-after: [1-3]\r\n/);
  const { headers } = await post(DETOKENIZE, GOOD_BODY);
  const names = Object.keys(headers).filter((name) => !/^(date|connection|keep-alive)$/.test(name));
  for (const name of names) assert.ok(text.toLowerCase().includes(`\r\n${name}: `), name);
  assert.equal(JSON.parse(text.slice(text.indexOf('{'))).code, 'overloaded');
  assert.equal(await refusedFor('full'), 2);
  assert.equal(verified.length, before);
  const line = JSON.parse(lines.find((one) => one.includes('ab'.repeat(16))) ?? '{}');
  assert.equal(line.status, 503);
  assert.match(line.route, /detokenize/);
  assert.ok(line.ms >= 256, 'the time for which it was held belongs to it');
});

test('nothing is written in front of a refusal that is held, or a client would take it for that', async (t) => {
  const { exchange } = await makeFullServer(t);
  assert.equal(await exchange(`${WHOLE}no request\r\n\r\n`), '');
});

test('refusals that are held at the door leave when the server stops', {
  timeout: 30_000,
}, async (t) => {
  // Time stands still: nothing else can make them leave.
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { app, work, finish, open, untilRefused } = await makeFullServer(t);
  const sockets = Array.from({ length: 20 }, () => open(WHOLE));
  await untilRefused('full', sockets.length);
  const answers = sockets.map(async (socket) => String((await once(socket, 'data'))[0]));
  const closed = app.close();
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 503 /);
  finish();
  assert.equal((await work)?.statusCode, 200);
  await closed;
});

test('who hangs up while it is held at the door is counted, and nothing of it stays', async (t) => {
  const { open, exchange, lines, untilRefused, finish, work } = await makeFullServer(t);
  const socket = open(WHOLE);
  await untilRefused('full', 1);
  socket.destroy();
  finish();
  await work;
  // Longer than it would have been held.
  assert.match(await exchange(WHOLE.replaceAll('ab', 'cd')), /^HTTP\/1\.1 (?!503)/);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok(!lines.some((line) => line.includes('ab'.repeat(16))));
});

test('a full heap closes the door, too', async (t) => {
  const { exchange, refusedFor, verified } = await makeFullServer(t, { heapUsedBytes: 1 });
  assert.match(await exchange(WHOLE), /^HTTP\/1\.1 503 /);
  assert.equal(await refusedFor('memory'), 1);
  assert.deepEqual(verified, []);
});

test('thousands of requests in one write cost a full server no more than a few', async (t) => {
  const { exchange, lines, refusedFor } = await makeFullServer(t);
  const before = lines.length;
  await exchange(WHOLE.repeat(2_000));
  // The one that is held, and eight behind it, whose lines come when their answers cannot leave any more.
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok(lines.length - before <= 9, String(lines.length - before));
  assert.ok((await refusedFor('full')) >= 10);
});

test('what is asked behind a refusal that is held takes no place', async (t) => {
  const { app, occupy, verified, refusedFor } = makeBusyService(t, {
    limits: { requestsInFlight: 64, largeBodiesBytes: 45 * 1024 },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  await occupy(1, 'Bearer greedy', LARGE);
  const before = verified.length;
  const requestOf = (body: object) => {
    const text = JSON.stringify(body);
    const head = `POST ${DETOKENIZE} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer other\r\n`;
    return `${head}Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  };
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.setEncoding('latin1');
  // Only the first one is refused for its size. The others would be let in, and be answered after it.
  socket.write(requestOf(LARGE) + requestOf(GOOD_BODY).repeat(3));
  let text = '';
  const countOf = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  for await (const chunk of socket) {
    text += chunk;
    if (countOf(/\r\nContent-Length: /gi) === 4 && text.endsWith('}')) break;
  }
  assert.equal(countOf(/"code":"overloaded"/g), 4);
  assert.equal(verified.length, before);
  assert.equal(await refusedFor('bodies'), 1);
  assert.equal(await refusedFor('full'), 3);
});
