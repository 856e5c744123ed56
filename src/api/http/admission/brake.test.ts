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

test('of very many refusals those that come last wait longest, and all are sent', async () => {
  const { brake, sent } = fixture();
  const soon = Array.from({ length: 1_024 }, () => replyOf());
  const late = Array.from({ length: 10 }, () => replyOf());
  for (const reply of [...soon, ...late]) brake.hold(reply);
  await until(() => sent.length === soon.length + late.length);
  assert.deepEqual(new Set(sent.slice(-late.length)), new Set(late));
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
