import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { FastifyReply } from 'fastify';
import { makeBrake } from './brake.ts';

/** As much of a reply as a brake touches. */
function replyOf(socket = {} as Socket) {
  const raw = new EventEmitter();
  const request = { raw: { socket, resume: () => (reply.isBodyDropped = true) } };
  const reply = { raw, request, isBodyDropped: false };
  return reply as typeof reply & FastifyReply;
}
const socketOf = (reply: FastifyReply) => reply.request.raw.socket;

/** A brake, and what it has sent. */
function fixture() {
  const sent: FastifyReply[] = [];
  return { brake: makeBrake((reply) => sent.push(reply)), sent };
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
  const reply = replyOf();
  const startedMs = performance.now();
  brake.hold(reply);
  assert.deepEqual(sent, []);
  assert.ok(reply.isBodyDropped);
  await until(() => sent.length > 0);
  assert.ok(performance.now() - startedMs >= 256);
  assert.deepEqual(sent, [reply]);
});

test('it is known which connections wait for a refusal', async () => {
  const { brake, sent } = fixture();
  const reply = replyOf();
  brake.hold(reply);
  assert.ok(brake.isHolding(socketOf(reply)));
  assert.ok(!brake.isHolding(socketOf(replyOf())));
  await until(() => sent.length > 0);
  assert.ok(!brake.isHolding(socketOf(reply)));
});

test('the end of an earlier answer on a connection does not forget a refusal that waits on it', async () => {
  const { brake, sent } = fixture();
  const first = replyOf();
  brake.hold(first);
  await until(() => sent.length > 0);
  const second = replyOf(socketOf(first));
  brake.hold(second);
  first.raw.emit('close');
  await until(() => sent.length > 1);
  assert.deepEqual(sent, [first, second]);
});

test('on one connection one refusal is held, and a further one goes its way', () => {
  const { brake, sent } = fixture();
  const first = replyOf();
  const second = replyOf(socketOf(first));
  brake.hold(first);
  brake.hold(second);
  assert.deepEqual(sent, [second]);
  brake.release();
  assert.deepEqual(sent, [second, first]);
});

test('they leave in the order in which they came, 20 in 16 ms, however many there are', async () => {
  const { brake, sent } = fixture();
  const many = Array.from({ length: 800 }, () => replyOf());
  const startedMs = performance.now();
  for (const reply of many) brake.hold(reply);
  await until(() => sent.length === many.length);
  // A busy machine makes it later, nothing makes it sooner: 40 ticks have passed when the last of them leaves.
  assert.ok(performance.now() - startedMs >= 39 * 16);
  assert.ok(sent.every((reply, index) => reply === many[index]));
});

test('who has gone makes room, and is sent nothing', async () => {
  const { brake, sent } = fixture();
  const gone = Array.from({ length: 8_192 }, () => replyOf());
  for (const reply of gone) brake.hold(reply);
  for (const reply of gone) reply.raw.emit('close');
  const waiting = replyOf();
  brake.hold(waiting);
  assert.deepEqual(sent, []);
  await until(() => sent.length > 0);
  assert.deepEqual(sent, [waiting]);
});

test('more than can be held are sent at once', () => {
  const { brake, sent } = fixture();
  for (let count = 0; count < 8_192; count += 1) brake.hold(replyOf());
  assert.equal(sent.length, 0);
  const beyond = replyOf();
  brake.hold(beyond);
  assert.deepEqual(sent, [beyond]);
  brake.release();
  assert.equal(sent.length, 8_193);
});

test('once released it holds nothing back', () => {
  const { brake, sent } = fixture();
  const many = Array.from({ length: 2_000 }, () => replyOf());
  for (const reply of many) brake.hold(reply);
  brake.release();
  assert.equal(new Set(sent).size, many.length);
  brake.hold(replyOf());
  assert.equal(sent.length, many.length + 1);
});
