import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Operations } from '../../src/operations/operation.ts';
import { type FakeOptions, GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

// What only a real connection shows of streams: how they wait, and how they end.

const STREAM = `${TOKENIZE}/stream`;
const LINE = `${JSON.stringify(GOOD_BODY)}\n`;
const HEAD = [
  `POST ${STREAM} HTTP/1.1`,
  'Host: x',
  `Authorization: Bearer ${TOKEN}`,
  'Content-Type: application/x-ndjson',
  'Transfer-Encoding: chunked',
  '\r\n',
].join('\r\n');
/** The media type, as any type, may be written in any case. */
const LOUD_HEAD = HEAD.replace('application/x-ndjson', 'Application/X-NDJSON');
const END = '0\r\n\r\n';
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A server, and streams to it that are written and read by hand. */
async function listen(t: TestContext, options: FakeOptions = {}) {
  const service = makeFakeService(options);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const streams: ReturnType<typeof openStream>[] = [];
  t.after(async () => {
    for (const { socket } of streams) socket.destroy();
    await service.app.close();
  });
  const open = (head = HEAD) => {
    const stream = openStream(port, head);
    streams.push(stream);
    return stream;
  };
  return { ...service, open };
}

function openStream(port: number, head: string) {
  const socket = connect(port, '127.0.0.1');
  const received = { text: '' };
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    received.text += bytes.toString();
  });
  socket.write(head);
  const answers = () => received.text.match(/^\{.*\}$/gm) ?? [];
  return {
    socket,
    received,
    answers,
    send: (lines: number) => socket.write(chunk(LINE.repeat(lines))),
    answered: (count: number) => until(() => answers().length >= count),
    closed: once(socket, 'close'),
  };
}

/** Waits without a guess how long it takes; the runner's own limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

test('lines are answered as they come, while the request goes on', async (t) => {
  const { open } = await listen(t);
  const stream = open();
  for (const count of [1, 2, 3]) {
    stream.send(1);
    await stream.answered(count);
  }
  stream.socket.write(END);
  await until(() => stream.received.text.endsWith(END));
  assert.match(stream.received.text, /^HTTP\/1\.1 200 /);
  assert.equal(stream.answers().length, 3);
});

test('a stream holds no place and no memory for bodies, however its type is written', async (t) => {
  const { open, metrics } = await listen(t);
  for (const head of [HEAD, LOUD_HEAD]) {
    const stream = open(head);
    stream.send(1000);
    await stream.answered(1000);
    const { body } = await metrics.expose();
    assert.match(body, /^counterfoil_overload_units 0$/m);
    assert.match(body, /^counterfoil_overload_body_bytes 0$/m);
  }
});

test('who does not read answers is not read from: what the server holds is bounded', async (t) => {
  let taken = 0;
  const tokenizeStream: Operations['tokenizeStream'] = async (_call, windows) => {
    const output = (async function* () {
      for await (const window of windows) {
        taken += window.length;
        yield window.map(() => ({ token: 't'.repeat(1000) }));
      }
    })();
    return { output, receipt: { eventId: 'e' } };
  };
  const { open } = await listen(t, { operations: { tokenizeStream } });
  const stream = open();
  stream.socket.pause();
  // 40 MB each way: more than all buffers between the two hold.
  const lines = 40_000;
  const line = `${JSON.stringify({ field: 'note', value: 'v'.repeat(1000) })}\n`;
  for (let sent = 0; sent < lines; sent += 100) stream.socket.write(chunk(line.repeat(100)));
  stream.socket.write(END);
  let before = -1;
  while (before !== taken || taken === 0) {
    before = taken;
    await sleep(200);
  }
  assert.equal(taken < lines / 2, true, String(taken));
  // Nothing is lost by waiting.
  let count = 0;
  stream.socket.removeAllListeners('data');
  stream.socket.on('data', (bytes: Buffer) => {
    for (const byte of bytes) if (byte === 0x0a) count += 1;
  });
  stream.socket.resume();
  await until(() => taken === lines && count > lines);
});

test('a slow body of an ordinary call is cut, a stream that moves is not', async (t) => {
  const { open, app } = await listen(t, { limits: { requestMs: 300, idleSocketMs: 5000 } });
  const stream = open();
  stream.send(1);
  await stream.answered(1);
  const ordinary = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  ordinary.on('error', () => undefined);
  ordinary.resume();
  ordinary.write(
    `POST ${TOKENIZE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
  );
  await once(ordinary, 'close');
  stream.send(1);
  await stream.answered(2);
});

test('a slow body is cut before anyone is known, and on a path that nobody can read', async (t) => {
  const { app } = await listen(t, { limits: { requestMs: 300, idleSocketMs: 60_000 } });
  const { port } = app.server.address() as AddressInfo;
  for (const head of [HEAD.replace(TOKEN, 'wrong'), HEAD.replace('demo', '%ZZ')]) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(head);
    const drip = setInterval(() => socket.write(chunk('x')), 50);
    t.after(() => clearInterval(drip));
    // Not `once`: what comes first may be a reset, and that is an end, too.
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
  }
});

test('a stream without a byte either way is cut', async (t) => {
  const { open } = await listen(t, { limits: { idleSocketMs: 300 } });
  const stream = open();
  stream.send(1);
  await stream.answered(1);
  await stream.closed;
  assert.equal(stream.received.text.endsWith(END), false);
});

test('while the service drains a stream ends at a line, and its last line says why', async (t) => {
  const { open, app } = await listen(t);
  const stream = open();
  stream.send(2);
  await stream.answered(2);
  // Half a line more is not an answer's business.
  stream.socket.write(chunk(LINE.slice(0, 10)));
  const closed = app.close();
  await until(() => stream.received.text.endsWith(END));
  assert.deepEqual(
    stream.answers().map((line) => JSON.parse(line)),
    [
      { token: 'tok_1' },
      { token: 'tok_1' },
      {
        error: { code: 'overloaded', message: 'The service is overloaded', retryable: true },
      },
    ],
  );
  stream.socket.destroy();
  await closed;
});

test('a client that uploads for ever to a stream that has ended is cut', async (t) => {
  const { open, app } = await listen(t);
  const stream = open();
  stream.send(1);
  await stream.answered(1);
  const drip = setInterval(() => stream.send(1), 50);
  const closed = app.close();
  await stream.closed;
  clearInterval(drip);
  await closed;
  assert.equal(stream.answers().length <= 3, true);
});

test('a client that goes away stops the work; nothing is left in flight, and its place is free', async (t) => {
  let isEnded = false;
  const tokenizeStream: Operations['tokenizeStream'] = async (_call, windows) => {
    const output = (async function* () {
      try {
        for await (const window of windows) yield window.map(() => ({ token: 't' }));
      } finally {
        isEnded = true;
      }
    })();
    return { output, receipt: { eventId: 'e' } };
  };
  const limits = { requestsInFlight: 1, streams: 1 };
  const { open, lines, post } = await listen(t, { limits, operations: { tokenizeStream } });
  const stream = open();
  stream.send(1);
  await stream.answered(1);
  stream.socket.destroy();
  await until(() => isEnded && lines.some((line) => line.includes('"aborted":true')));
  const type = { 'content-type': 'application/x-ndjson' };
  assert.equal((await post(STREAM, LINE, type)).statusCode, 200);
});

test('streams at once are bounded, of each caller and of all', async (t) => {
  for (const [limits, code] of [
    [{ streams: 5, streamsPerCaller: 2 }, 'rate_limited'],
    [{ streams: 2, streamsPerCaller: 5 }, 'overloaded'],
  ] as const) {
    const { open, post } = await listen(t, { limits });
    const streams = [open(), open()];
    for (const stream of streams) {
      stream.send(1);
      await stream.answered(1);
    }
    const type = { 'content-type': 'application/x-ndjson' };
    assert.equal((await post(STREAM, LINE, type)).json().code, code);
    assert.equal((await post(TOKENIZE, GOOD_BODY)).statusCode, 200);
    streams[0]?.socket.write(END);
    await until(() => streams[0]?.received.text.endsWith(END) === true);
    let status = 0;
    while (status !== 200) {
      await turn();
      status = (await post(STREAM, LINE, type)).statusCode;
    }
  }
});

test('more streams than an emitter likes make no noise', async (t) => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on('warning', listener);
  t.after(() => process.off('warning', listener));
  const { open } = await listen(t, { limits: { streamsPerCaller: 20 } });
  const streams = Array.from({ length: 15 }, open);
  for (const stream of streams) {
    stream.send(1);
    await stream.answered(1);
  }
  assert.deepEqual(warnings, []);
});
