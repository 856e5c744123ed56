import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuditEvent } from '../../src/domain/audit/event.ts';
import { VaultError } from '../../src/domain/errors.ts';
import type { AuditLog, AuditProgress } from '../../src/operations/ports/audit-log.ts';

/** A log under test, a way to see what is durable in it, and ways to break and mend it. */
export type LogUnderTest = {
  log: AuditLog & AuditProgress;
  /** Ids of all durable events. */
  durableIds(): Promise<string[]>;
  /** Brings everything durable into the tree, and publishes that, where there is one. */
  integrate(): Promise<void>;
  breakIt(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
};

/** An event as a reveal leaves it. */
export const revealEvent: AuditEvent = {
  operation: 'detokenize',
  outcome: 'allow',
  status: 200,
  items: 1,
  who: {
    actor: { subject: 'ada', issuer: 'https://issuer.invalid', credential: 'jwt:k1', mfa: false },
    source: { ip: '192.0.2.1' },
  },
  what: { requestId: 'request-1', tokens: ['tok_1'], purpose: 'support', view: 'full' },
};

const isUnavailable = (error: unknown): boolean =>
  error instanceof VaultError && error.code === 'audit_unavailable';

/** What every audit log must do; see the comments of the port. */
export function runAuditLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  let under: LogUnderTest;
  describe(`audit log contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());

    it('has made an event durable when its append resolves', async () => {
      const { eventId } = await under.log.append(revealEvent);
      assert.match(eventId, /^[A-Za-z0-9_-]{22}$/);
      assert.ok((await under.durableIds()).includes(eventId));
    });

    it('gives each of a thousand concurrent events an id of its own, each durable once', async () => {
      const receipts = await Promise.all(
        Array.from({ length: 1_000 }, () => under.log.append(revealEvent)),
      );
      const ids = receipts.map(({ eventId }) => eventId);
      assert.equal(new Set(ids).size, 1_000);
      const durable = (await under.durableIds()).filter((id) => ids.includes(id));
      assert.equal(durable.length, 1_000);
    });

    it('says that what is durable is in the tree and published once it is', async () => {
      await under.log.append(revealEvent);
      await under.integrate();
      assert.equal(await under.log.reached('integrated', 10_000), true);
      assert.equal(await under.log.reached('checkpointed', 10_000), true);
    });

    it('rejects with audit_unavailable when it cannot write, and recovers by itself', async () => {
      await under.breakIt();
      await assert.rejects(under.log.append(revealEvent), isUnavailable);
      await under.mend();
      const { eventId } = await under.log.append(revealEvent);
      assert.ok((await under.durableIds()).includes(eventId));
    });

    it('gives each failed caller an error object of its own', async () => {
      await under.breakIt();
      const settled = await Promise.allSettled([
        under.log.append(revealEvent),
        under.log.append(revealEvent),
      ]);
      await under.mend();
      const [one, two] = settled.map((each) => (each.status === 'rejected' ? each.reason : each));
      assert.ok(isUnavailable(one) && isUnavailable(two));
      assert.notEqual(one, two);
    });
  });
}
