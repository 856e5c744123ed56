import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { makeBrake } from './brake.ts';

/** As much of a response as a brake touches. */
function responseOf(socket = {} as Socket) {
  const response = Object.assign(new EventEmitter(), {
    isBodyDropped: false,
    req: { socket, resume: () => (response.isBodyDropped = true) },
  }) as unknown as EventEmitter & ServerResponse & { isBodyDropped: boolean };
  return response;
}

/** A brake, and what it has sent. */
function fixture() {
  const sent: ServerResponse[] = [];
  const brake = makeBrake();
  const hold = (response: ServerResponse) => brake.hold(response, () => sent.push(response));
  return { brake: { ...brake, hold }, sent };
}

async function until(isTrue: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 20_000;
  while (!isTrue()) {
    assert.ok(performance.now() < giveUpAtMs, 'waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a refusal is sent a quarter of a second later, and its body is not kept meanwhile', async () => {
  const { brake, sent } = fixture();
  const response = responseOf();
  const startedMs = performance.now();
  brake.hold(response);
  assert.deepEqual(sent, []);
  assert.ok(response.isBodyDropped);
  await until(() => sent.length > 0);
  assert.ok(performance.now() - startedMs >= 256);
  assert.deepEqual(sent, [response]);
});

test('it is known which connections wait for a refusal', async () => {
  const { brake, sent } = fixture();
  const response = responseOf();
  brake.hold(response);
  assert.ok(brake.isHolding(response.req.socket));
  assert.ok(!brake.isHolding(responseOf().req.socket));
  await until(() => sent.length > 0);
  assert.ok(!brake.isHolding(response.req.socket));
});

test('the end of an earlier answer on a connection does not forget a refusal that waits on it', async () => {
  const { brake, sent } = fixture();
  const first = responseOf();
  brake.hold(first);
  await until(() => sent.length > 0);
  const second = responseOf(first.req.socket);
  brake.hold(second);
  first.emit('close');
  await until(() => sent.length > 1);
  assert.deepEqual(sent, [first, second]);
});

test('on one connection one refusal is held, and a further one goes its way', () => {
  const { brake, sent } = fixture();
  const first = responseOf();
  const second = responseOf(first.req.socket);
  brake.hold(first);
  brake.hold(second);
  assert.deepEqual(sent, [second]);
  brake.release();
  assert.deepEqual(sent, [second, first]);
});

test('they leave in the order in which they came, 20 in 16 ms, however many there are', async () => {
  const { brake, sent } = fixture();
  const many = Array.from({ length: 800 }, () => responseOf());
  const startedMs = performance.now();
  for (const response of many) brake.hold(response);
  await until(() => sent.length === many.length);
  // A busy machine makes it later, nothing makes it sooner: 40 ticks have passed when the last of them leaves.
  assert.ok(performance.now() - startedMs >= 39 * 16);
  assert.ok(sent.every((response, index) => response === many[index]));
});

test('who has gone makes room, and is sent nothing', async () => {
  const { brake, sent } = fixture();
  const gone = Array.from({ length: 8_192 }, () => responseOf());
  for (const response of gone) brake.hold(response);
  for (const response of gone) response.emit('close');
  const waiting = responseOf();
  brake.hold(waiting);
  assert.deepEqual(sent, []);
  await until(() => sent.length > 0);
  assert.deepEqual(sent, [waiting]);
});

test('eight may come behind a refusal that is held; the ninth ends the connection', () => {
  const { brake, sent } = fixture();
  let isDestroyed = false;
  const socket = { destroy: () => (isDestroyed = true) } as unknown as Socket;
  for (let count = 0; count < 9; count += 1) brake.hold(responseOf(socket));
  assert.deepEqual([sent.length, isDestroyed], [8, false]);
  for (let count = 0; count < 3; count += 1) brake.hold(responseOf(socket));
  assert.deepEqual([sent.length, isDestroyed], [8, true]);
});

test('more than can be held are sent at once', async () => {
  const { brake, sent } = fixture();
  for (let count = 0; count < 8_192; count += 1) brake.hold(responseOf());
  assert.equal(sent.length, 0);
  const beyond = responseOf();
  brake.hold(beyond);
  assert.deepEqual(sent, [beyond]);
  brake.release();
  await until(() => sent.length === 8_193);
});

test('once released it holds nothing back, and does not stop the loop for that', async (t) => {
  // Ticks send nothing.
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { brake, sent } = fixture();
  const many = Array.from({ length: 2_000 }, () => responseOf());
  for (const response of many) brake.hold(response);
  brake.release();
  assert.ok(sent.length > 0 && sent.length < many.length / 2, String(sent.length));
  brake.hold(many[0] as ServerResponse);
  await new Promise(setImmediate);
  assert.ok(sent.length < many.length, String(sent.length));
  await until(() => new Set(sent).size === many.length);
});
