import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyReply } from 'fastify';
import { makeBrake } from './brake.ts';

const replyOf = (destroyed = false) => ({ raw: { destroyed } }) as FastifyReply;

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

test('a refusal is sent later, and not to who has gone', async () => {
  const { brake, sent } = fixture();
  const [gone, waiting] = [replyOf(true), replyOf()];
  brake.hold(gone);
  brake.hold(waiting);
  assert.deepEqual(sent, []);
  await until(() => sent.length > 0);
  assert.deepEqual(sent, [waiting]);
});

test('they leave in the order in which they came, 20 in 16 ms, however many there are', async () => {
  const { brake, sent } = fixture();
  const many = Array.from({ length: 400 }, () => replyOf());
  const startedMs = performance.now();
  for (const reply of many) brake.hold(reply);
  await until(() => sent.length === many.length);
  // A busy machine makes it later, nothing makes it sooner: the last of them leaves 16 + 19 ticks after its request.
  assert.ok(performance.now() - startedMs >= 35 * 16 - 1);
  assert.ok(sent.every((reply, index) => reply === many[index]));
});

test('who has gone takes no part of the rate', async () => {
  const { brake, sent } = fixture();
  for (let count = 0; count < 8_000; count += 1) brake.hold(replyOf(true));
  const waiting = replyOf();
  brake.hold(waiting);
  await until(() => sent.length > 0);
  assert.deepEqual(sent, [waiting]);
  brake.hold(replyOf());
  assert.equal(sent.length, 1, 'the brake holds on');
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
