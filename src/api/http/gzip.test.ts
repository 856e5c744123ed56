import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { encodeFor, takesGzip } from './gzip.ts';

const BODY = Buffer.alloc(5_000, 'leaf');

test('who takes gzip gets it, and caches are told what the answer hangs on', async () => {
  const { output, headers } = await encodeFor('br, gzip', BODY);
  assert.deepEqual(headers, { vary: 'accept-encoding', 'content-encoding': 'gzip' });
  assert(output.length < BODY.length);
  assert.deepEqual(gunzipSync(output), BODY);
});

test('everybody else gets the bytes as they are', async () => {
  for (const accepted of [undefined, '', 'identity', 'gzip;q=0']) {
    const { output, headers } = await encodeFor(accepted, BODY);
    assert.deepEqual(headers, { vary: 'accept-encoding' });
    assert.deepEqual(output, BODY);
  }
});

test('the header is read as RFC 9110 writes it', () => {
  for (const yes of [
    'gzip',
    'GZIP',
    'br, gzip',
    'gzip;q=1',
    'gzip ; q=0.001',
    'identity;q=0, gzip',
  ]) {
    assert.equal(takesGzip(yes), true, yes);
  }
  for (const no of ['br', '*', 'gzip;q=0', 'gzip; Q=0.000', 'xgzip', 'gzip2', 'q=gzip', ',;']) {
    assert.equal(takesGzip(no), false, no);
  }
});
