import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import type { Standing } from '../../src/adapters/postgres/audit/writer/basis.ts';
import type { Batch } from '../../src/adapters/postgres/audit/writer/batch.ts';
import type { Committed } from '../../src/adapters/postgres/audit/writer/commit.ts';
import type { Waiting } from '../../src/adapters/postgres/audit/writer/queue.ts';
import { makeSlot, type SlotDeps } from '../../src/adapters/postgres/audit/writer/slot.ts';
import { makeEventTerms } from '../../src/adapters/postgres/audit/writer/terms.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import type { AuditEvent, AuditReceipt } from '../../src/domain/audit/event.ts';

const seal = (_label: string, _id: string, text: Buffer) => text;
export const termKey = SecretKey.take(Buffer.alloc(32, 2));
/** Keys that need no store; nothing is sealed. */
export const keysets: SlotDeps['keysets'] = {
  auditMac: async () => SecretKey.take(Buffer.alloc(32, 1)),
  auditTerm: async () => termKey,
  privateCipher: async () => ({ version: 202601, seal, open: seal }),
};

/** Nothing that anybody asked about is over. */
export const STORED: Standing = { atMs: 0, versions: new Map(), gone: new Set() };

/** A writer over a list of batches; `outcomes` are what the next commits come to. */
export function openSlot(overrides: Partial<SlotDeps> = {}) {
  const batches: Batch[] = [];
  const outcomes: (Committed | Error)[] = [];
  const clock = {
    nowMs: 0,
    now: () => Date.UTC(2026, 0, 31, 23, 59),
    monotonic: () => clock.nowMs,
  };
  const slot = makeSlot({
    keysets,
    eventTerms: makeEventTerms(),
    random: randomBytes,
    clock,
    vaultIdOf: () => undefined,
    logId: 1,
    heartbeatMs: 60_000,
    commit: async (batch) => {
      batches.push(batch);
      const outcome = outcomes.shift() ?? STORED;
      if (outcome instanceof Error) {
        throw outcome;
      }
      return outcome;
    },
    ...overrides,
  });
  return { slot, batches, outcomes, clock };
}

/** An event with somebody who waits for it. */
export function waiting(event: Partial<AuditEvent> = {}): {
  one: Waiting;
  answer: Promise<AuditReceipt>;
} {
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

/** The leaves of a batch, parsed. */
export const leavesOf = ({ leaves, count }: Batch) =>
  decodeLeaves(leaves, count).map((leaf) => JSON.parse(leaf.toString()));
