import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Pool } from 'pg';
import { randomBytes } from '../../../../crypto/random.ts';
import { SecretKey } from '../../../../crypto/secret.ts';
import type { AuditEvent } from '../../../../domain/audit/event.ts';
import { VaultError } from '../../../../domain/errors.ts';
import { makeAuditWriter } from './writer.ts';

const event: AuditEvent = {
  operation: 'lookup',
  outcome: 'allow',
  status: 200,
  items: 1,
  who: {},
  what: {},
};

const turn = () => new Promise((resolve) => setImmediate(resolve));
const isUnavailable = (error: unknown) =>
  error instanceof VaultError && error.code === 'audit_unavailable';

/** A writer whose database does not answer until the test says so, and a clock that the test moves. */
function openHanging() {
  const hanging: ((error: Error) => void)[] = [];
  const failed: string[] = [];
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    monotonic: () => clock.nowMs,
    sleep: async (ms: number) => {
      await turn();
      clock.nowMs += ms;
    },
  };
  const connect = () => new Promise((_, reject) => hanging.push(reject));
  const seal = (_label: string, _id: string, text: Buffer) => text;
  const writer = makeAuditWriter({
    pool: { connect } as unknown as Pool,
    clock,
    keysets: {
      auditMac: async () => SecretKey.take(Buffer.alloc(32, 1)),
      auditTerm: async () => SecretKey.take(Buffer.alloc(32, 2)),
      privateCipher: async () => ({ version: 202601, seal, open: seal }),
    },
    random: randomBytes,
    vaultIdOf: () => undefined,
    logId: 1,
    watch: {
      committed: () => {},
      failed: (reason) => failed.push(reason),
      fault: () => {},
      withheld: () => {},
    },
  });
  return { writer, hanging, failed, clock };
}

it('answers callers within 2 s, also those whose batch is still at work', async () => {
  const { writer, failed, clock } = openHanging();
  const answers: Promise<{ error: unknown; waitedMs: number }>[] = [];
  for (let index = 0; index < 3; index += 1) {
    const sinceMs = clock.nowMs;
    const answer = writer.append(event).then(
      () => assert.fail('nothing was stored'),
      (error: unknown) => ({ error, waitedMs: clock.nowMs - sinceMs }),
    );
    answers.push(answer);
    await turn();
  }
  const settled = await Promise.all(answers);
  assert.ok(settled.every(({ error }) => isUnavailable(error)));
  assert.ok(settled.every(({ waitedMs }) => waitedMs > 1_500 && waitedMs <= 2_000));
  assert.equal(new Set(settled.map(({ error }) => error)).size, 3);
  assert.deepEqual(failed, ['deadline', 'deadline', 'deadline']);
});

it('does not write an event any more whose caller was answered while it was queued', async () => {
  const { writer, hanging } = openHanging();
  const answers: Promise<unknown>[] = [];
  for (let index = 0; index < 3; index += 1) {
    answers.push(writer.append(event).catch((error: unknown) => error));
    await turn();
  }
  await Promise.all(answers);
  assert.equal(hanging.length, 2, 'two writers, one batch each');
  for (const end of hanging) {
    end(new Error('gone'));
  }
  await turn();
  assert.equal(hanging.length, 2, 'the third event was written nevertheless');
  assert.equal(writer.queued(), 0);
});

it('refuses at once when the queue is full, and when it is closed, which it does not hide', async () => {
  const { writer, failed } = openHanging();
  const waiting = Array.from({ length: 10_000 }, () => writer.append(event).catch(() => undefined));
  await assert.rejects(writer.append(event), isUnavailable);
  assert.deepEqual(failed, ['queue_full']);
  await Promise.all(waiting);
  await assert.rejects(writer.close(0), isUnavailable);
  await assert.rejects(writer.append(event), isUnavailable);
});
