import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { Operations } from '../../src/operations/operation.ts';
import { GOOD_BODY, makeFakeService, TOKEN, TOKENIZE } from './fake-service.ts';

// COUNTERFOIL_TEST_LONG=1 sends a million lines.
const LINES = process.env['COUNTERFOIL_TEST_LONG'] === '1' ? 1_000_000 : 100_000;
const MAX_RSS_BYTES = 400 * 2 ** 20;

test(`${LINES} lines pass in constant memory, those of the client included`, async (t) => {
  const tokenizeStream: Operations['tokenizeStream'] = async (_call, windows) => {
    const output = (async function* () {
      for await (const window of windows) yield window.map(() => ({ token: 'tok_1' }));
    })();
    return { output, receipt: { eventId: 'e' } };
  };
  const { app } = makeFakeService({ operations: { tokenizeStream } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => app.close());
  const upload = request({
    port: (app.server.address() as AddressInfo).port,
    method: 'POST',
    path: `${TOKENIZE}/stream`,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/x-ndjson' },
  });
  const piece = `${JSON.stringify(GOOD_BODY)}\n`.repeat(100);
  const sent = pipeline(
    Readable.from(
      (function* () {
        for (let line = 0; line < LINES; line += 100) yield piece;
      })(),
    ),
    upload,
  );
  let answers = 0;
  let mostBytes = 0;
  await new Promise<void>((resolve, reject) => {
    upload.once('error', reject);
    upload.once('response', (response) => {
      response.on('error', reject);
      response.on('end', resolve);
      response.on('data', (bytes: Buffer) => {
        mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
        for (const byte of bytes) if (byte === 0x0a) answers += 1;
      });
    });
  });
  await sent;
  assert.equal(answers, LINES);
  assert.equal(mostBytes < MAX_RSS_BYTES, true, `${mostBytes} bytes`);
  t.diagnostic(`most: ${Math.round(mostBytes / 2 ** 20)} MiB`);
});
