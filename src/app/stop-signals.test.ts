import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeInTime } from './stop-signals.ts';

const never = () => new Promise<void>(() => {});
const calm = () => new AbortController().signal;

test('a close that ends in time is waited for, and its failure is passed on', async () => {
  let closed = false;
  const close = async () => {
    closed = true;
  };
  await closeInTime(close, { hurry: calm(), limitMs: 60_000 });
  assert(closed);
  const failing = () => Promise.reject(new Error('no'));
  await assert.rejects(closeInTime(failing, { hurry: calm(), limitMs: 60_000 }), { message: 'no' });
});

test('a close that hangs is given up at the limit, or at once in a hurry', async () => {
  const awake = setInterval(() => {}, 1000);
  await closeInTime(never, { hurry: calm(), limitMs: 10 });
  await closeInTime(never, { hurry: AbortSignal.abort(), limitMs: 60_000 });
  clearInterval(awake);
});
