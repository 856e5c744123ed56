import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomBytes } from '../../../crypto/random.ts';
import { SecretKey } from '../../../crypto/secret.ts';
import type { AuditEvent, AuditReceipt } from '../../../domain/audit/event.ts';
import { VaultError } from '../../../domain/errors.ts';
import type { Batch } from './batch.ts';
import type { Committed } from './commit.ts';
import { decodeLeaves } from './framing.ts';
import type { Waiting } from './queue.ts';
import { makeSlot, type SlotDeps } from './slot.ts';

const cipher = { version: 202601, seal: (_label: string, _id: string, text: Buffer) => text };

function open(overrides: Partial<SlotDeps> = {}) {
  const batches: Batch[] = [];
  const outcomes: (Committed | Error)[] = [];
  const slot = makeSlot({
    keysets: {
      auditMac: async () => SecretKey.take(Buffer.alloc(32, 1)),
      privateCipher: async () => ({ ...cipher, open: cipher.seal }),
    },
    random: randomBytes,
    clock: { now: () => Date.UTC(2026, 0, 31, 23, 59), monotonic: () => 0 },
    vaultIdOf: () => undefined,
    logId: 1,
    commit: async (batch) => {
      batches.push(batch);
      const outcome = outcomes.shift() ?? 'stored';
      if (outcome instanceof Error) {
        throw outcome;
      }
      return outcome;
    },
    ...overrides,
  });
  return { slot, batches, outcomes };
}

function waiting(event: Partial<AuditEvent> = {}): { one: Waiting; answer: Promise<AuditReceipt> } {
  const { promise, resolve, reject } = Promise.withResolvers<AuditReceipt>();
  promise.catch(() => {});
  const one: Waiting = {
    event: {
      operation: 'lookup',
      outcome: 'allow',
      status: 200,
      items: 1,
      who: {},
      what: {},
      ...event,
    },
    atMs: 0,
    deadlineMs: 0,
    answered: false,
    resolve,
    reject,
  };
  return { one, answer: promise };
}

const leavesOf = ({ leaves, count }: Batch) =>
  decodeLeaves(leaves, count).map((leaf) => JSON.parse(leaf.toString()));

it('begins with its start at 0 and numbers on without a hole', async () => {
  const { slot, batches } = open();
  await slot.write([waiting().one, waiting().one]);
  await slot.write([waiting().one]);
  await slot.stop();
  const leaves = batches.flatMap(leavesOf);
  assert.deepEqual(
    leaves.map(({ op, w }) => [op, w[1]]),
    [
      ['audit.writer.start', 0],
      ['lookup', 1],
      ['lookup', 2],
      ['lookup', 3],
      ['audit.writer.stop', 4],
    ],
  );
  assert.ok(leaves.every(({ w }) => w[0] === batches[0]?.bootId));
  assert.deepEqual(
    batches.map(({ day, firstSeq }) => [day, firstSeq]),
    [
      ['2026-01-31', 0n],
      ['2026-01-31', 3n],
      ['2026-01-31', 4n],
    ],
  );
});

it('uses the numbers of a batch that was not stored again, and fails its callers', async () => {
  const { slot, batches, outcomes } = open();
  outcomes.push(new VaultError('store_unavailable'));
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(
    lost.answer,
    (error) => error instanceof VaultError && error.code === 'audit_unavailable',
  );
  const kept = waiting();
  await slot.write([kept.one]);
  assert.match((await kept.answer).eventId, /^[\w-]{22}$/);
  assert.deepEqual(
    batches.map(({ firstSeq }) => firstSeq),
    [0n, 0n],
  );
});

it('goes on under another name when its place in the log is taken by a row that is not its own', async () => {
  const { slot, batches, outcomes } = open();
  outcomes.push('stored', 'foreign');
  await slot.write([waiting().one]);
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(lost.answer);
  await slot.write([waiting().one]);
  assert.notEqual(batches[2]?.bootId, batches[1]?.bootId);
  assert.equal(batches[2]?.firstSeq, 0n);
});

it('fails an event that cannot be sealed or is too long alone, without a hole', async () => {
  const { slot, batches } = open({
    vaultIdOf: (name) => (name === 'locked' ? 9 : 1),
    keysets: {
      auditMac: async () => SecretKey.take(Buffer.alloc(32, 1)),
      privateCipher: async (vaultId) => {
        if (vaultId === 9) {
          throw new VaultError('key_unavailable');
        }
        return { ...cipher, open: cipher.seal };
      },
    },
  });
  const [good, locked, long, last] = [
    waiting({ vault: 'demo' }),
    waiting({ vault: 'locked' }),
    waiting({ policy: 'x'.repeat(70_000) }),
    waiting({ vault: 'demo' }),
  ];
  await slot.write([good.one, locked.one, long.one, last.one]);
  await Promise.all([assert.rejects(locked.answer), assert.rejects(long.answer)]);
  await Promise.all([good.answer, last.answer]);
  assert.deepEqual(
    batches.flatMap(leavesOf).map(({ w }) => w[1]),
    [0, 1, 2],
  );
});

it('writes nothing at all without the MAC key', async () => {
  const { slot, batches } = open({
    keysets: {
      auditMac: () => Promise.reject(new VaultError('key_unavailable')),
      privateCipher: async () => ({ ...cipher, open: cipher.seal }),
    },
  });
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(lost.answer);
  await slot.stop();
  assert.equal(batches.length, 0);
});

it('leaves what does not fit into 512 KiB for the next batch, in order', async () => {
  const { slot, batches } = open();
  const tokens = Array.from({ length: 1_000 }, (_, index) => `tok_${index}`.padEnd(60, 'x'));
  const many = Array.from({ length: 20 }, () => waiting({ what: { tokens } }));
  let rest: readonly Waiting[] = many.map(({ one }) => one);
  while (rest.length > 0) {
    rest = await slot.write(rest);
  }
  await Promise.all(many.map(({ answer }) => answer));
  assert.ok(batches.length > 1);
  assert.ok(batches.every(({ what }) => what.length < 700 * 1024));
  assert.deepEqual(
    batches.flatMap(leavesOf).map(({ w }) => w[1]),
    Array.from({ length: 21 }, (_, index) => index),
  );
});
