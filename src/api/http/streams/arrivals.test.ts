import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { makeArrivals } from './arrivals.ts';

const never = new AbortController().signal;

test('nothing arrives that nobody asks for, beyond the buffer of the body itself', async () => {
  let made = 0;
  const body = new Readable({
    highWaterMark: 4,
    read() {
      made += 1;
      this.push(Buffer.from('xx'));
    },
  });
  const arrivals = makeArrivals(body, never);
  await arrivals.next();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(made <= 8, true, String(made));
});

test('the end comes once all was given, and is told from a stop', async () => {
  const arrivals = makeArrivals(Readable.from([Buffer.from('a'), Buffer.from('b')]), never);
  let text = '';
  for (let bytes = await arrivals.next(); bytes !== undefined; bytes = await arrivals.next()) {
    text += bytes.toString();
  }
  assert.equal(text, 'ab');
  assert.equal(arrivals.isComplete(), true);
});

test('a stop ends a wait, and what still comes is dropped', async () => {
  const body = new PassThrough({ highWaterMark: 4 });
  const arrivals = makeArrivals(body, never);
  const waiting = arrivals.next();
  arrivals.stop();
  assert.equal(await waiting, undefined);
  assert.equal(arrivals.isComplete(), false);
  for (let n = 0; n < 10; n += 1) {
    await new Promise((resolve) => body.write('more than fits', resolve));
  }
  assert.equal(await arrivals.next(), undefined);
});

test('a body that breaks off is no end', async () => {
  const body = new PassThrough();
  const arrivals = makeArrivals(body, never);
  const waiting = arrivals.next();
  body.destroy(new Error('gone'));
  await assert.rejects(waiting, { code: 'invalid_request' });
  assert.equal(arrivals.isComplete(), false);
});
