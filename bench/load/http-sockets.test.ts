import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openSockets, statusOfWhole } from './http-sockets.ts';
import { single } from './workload.ts';

test('an answer has a status when all of it has come', () => {
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';
  assert.equal(statusOfWhole(Buffer.from(answer)), 200);
  for (let length = 0; length < answer.length; length += 1) {
    assert.equal(statusOfWhole(Buffer.from(answer.slice(0, length))), undefined);
  }
});

test('more requests than connections are all answered, and a refusal is an error', async () => {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      count += 1;
      response.statusCode = count % 10 === 0 ? 503 : 200;
      response.setHeader('content-length', 2).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const requests = [{ path: '/', body: single({ kind: 'list', texts: ['{}'] }) }];
  const workload = { token: 't', mediaType: 'application/json', requests } as const;
  const sockets = openSockets(`http://127.0.0.1:${port}`, workload, 3);
  const ends = await Promise.allSettled(Array.from({ length: 50 }, () => sockets.send()));
  sockets.close();
  server.close();
  assert.equal(ends.filter(({ status }) => status === 'rejected').length, 5);
  assert.equal(count, 50);
});
