import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

const BODY = JSON.stringify(GOOD_BODY);
const AUTHORIZATION = `Authorization: Bearer ${TOKEN}\r\n`;
const TYPE = 'Content-Type: application/json\r\n';

const TWICE: [string, string, number][] = [
  ['one of each', `${AUTHORIZATION}${TYPE}`, 200],
  ['two credentials, good first', `${AUTHORIZATION}Authorization: Bearer x\r\n${TYPE}`, 401],
  ['two credentials, good last', `Authorization: Bearer x\r\n${AUTHORIZATION}${TYPE}`, 401],
  ['two media types', `${AUTHORIZATION}${TYPE}Content-Type: text/plain\r\n`, 415],
];

for (const [name, headers, status] of TWICE) {
  test(`${name}: ${status}`, async (t) => {
    const { app } = makeFakeService();
    t.after(() => app.close());
    await app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(
      `POST ${TOKENIZE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
    );
    assert.match(await text(socket), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('a client that writes a body of 4 MiB and more before it reads gets its 413', async (t) => {
  const { app } = makeFakeService();
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const bytes = 5 << 20;
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  const head = `POST ${TOKENIZE} HTTP/1.1\r\nHost: x\r\n${AUTHORIZATION}${TYPE}Content-Length: ${bytes}\r\n\r\n`;
  socket.write(head);
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.write(Buffer.alloc(bytes, 'a'), resolve);
  });
  socket.resume();
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 413 /);
  socket.destroy();
});
