import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BudgetStore } from '../../src/operations/ports/budget-store.ts';

/** A budget store under test, with the clean-up that goes with it. */
type BudgetsUnderTest = { budgets: BudgetStore; close(): Promise<void> };

const HOUR_MS = 3_600_000;
const holder = () => ({ vaultId: 1, holder: randomBytes(16) });

/** What every budget store must do; see the comments of the port. */
export function runBudgetStoreContract(name: string, make: () => Promise<BudgetsUnderTest>): void {
  let under: BudgetsUnderTest;
  const lease = (ask: Parameters<BudgetStore['lease']>[0]) => under.budgets.lease(ask);
  describe(`budget store contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());

    it('gives what is asked for until the budget is spent, then the rest, then nothing', async () => {
      const ask = { ...holder(), want: 4, limit: 10, windowMs: HOUR_MS };
      const granted: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const answer = await lease(ask);
        assert.ok(answer.endsInMs > 0 && answer.endsInMs <= HOUR_MS, `${answer.endsInMs} ms`);
        granted.push(answer.granted);
      }
      assert.deepEqual(granted, [4, 4, 2, 0]);
    });

    it('never gives more than the whole budget at once', async () => {
      const { granted } = await lease({ ...holder(), want: 100, limit: 3, windowMs: HOUR_MS });
      assert.equal(granted, 3);
    });

    it('begins anew when the window has ended', async () => {
      const ask = { ...holder(), want: 5, limit: 5 };
      await lease({ ...ask, windowMs: HOUR_MS });
      await sleep(10);
      assert.equal((await lease({ ...ask, windowMs: 1 })).granted, 5);
      assert.equal((await lease({ ...ask, windowMs: HOUR_MS })).granted, 0);
    });

    it('keeps holders and vaults apart', async () => {
      const ask = { ...holder(), want: 5, limit: 5, windowMs: HOUR_MS };
      await lease(ask);
      assert.equal((await lease({ ...ask, vaultId: 2 })).granted, 5);
      assert.equal((await lease({ ...ask, ...holder() })).granted, 5);
      assert.equal((await lease(ask)).granted, 0);
    });

    it('a budget that shrank below what is spent gives nothing, and one that grew the difference', async () => {
      const ask = { ...holder(), want: 10, windowMs: HOUR_MS };
      const granted: number[] = [];
      for (const limit of [8, 3, 12]) granted.push((await lease({ ...ask, limit })).granted);
      assert.deepEqual(granted, [8, 0, 4]);
    });
  });
}
