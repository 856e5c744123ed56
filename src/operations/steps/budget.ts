import type { VaultCipher } from '../../crypto/vault-cipher.ts';
import type { Principal } from '../../domain/access/principal.ts';
import { VaultError } from '../../domain/errors.ts';
import type { BudgetDue } from '../../domain/policy/decide.ts';
import type { BudgetStore } from '../ports/budget-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Vault } from '../ports/vault-registry.ts';
import { asVaultError } from './audited.ts';

/** A lease is this part of the budget: so much of it, at most, dies with an instance. */
const LEASES_PER_BUDGET = 50;
/** Holders whose remainders are kept. What is forgotten stays spent. */
const MAX_ACCOUNTS = 10_000;
/** A spender meets at most the lease in flight and the one that it asked for, and a window's end between. */
const MAX_LEASES = 5;

/** Who reveals how many values, and the budget that the decision named (`Decision.obligations.budget`). */
export type Spending = {
  vault: Pick<Vault, 'id'>;
  cipher: Pick<VaultCipher, 'digests'>;
  principal: Pick<Principal, 'issuer' | 'subject'>;
  budget: BudgetDue;
  /** At least 1. All of them are granted, or none. */
  items: number;
};

/** Takes reveals from budgets. What was taken is spent, whatever becomes of the reveal (DESIGN §11). */
export type Budgets = {
  /**
   * Resolves when the budget has covered the reveal; durable, so that no crash gives it back. Rejects with
   * `budget_exhausted`, or with `store_unavailable` when nobody can tell.
   */
  spend(spending: Spending): Promise<void>;
};

/** What is left of the last lease of one holder under one budget. */
type Account = {
  left: number;
  /** When the window ends that `left` was leased in, or that has nothing more to lease; monotonic. */
  endsAtMs: number;
  isExhausted: boolean;
  /** Items of the spenders that wait for a lease: the next one covers them all. */
  wanted: number;
  leasing?: Promise<void>;
};

/**
 * Makes the process's side of budgets that all instances share: small leases from the store, used up in
 * memory. Concurrent spenders of one holder share a lease. Over all instances at most `tokens` are spent in
 * a window, because only leased ones are, and a remainder ends with the window that it was leased in.
 */
export function makeBudgets({
  store,
  clock,
}: {
  store: BudgetStore;
  clock: Pick<Clock, 'monotonic'>;
}): Budgets {
  const accountOf = makeAccounts();

  const lease = async (account: Account, { vault, cipher, principal, budget }: Spending) => {
    const { grant, tokens, perMs } = budget;
    const { issuer, subject } = principal;
    // From before the question, and less what may be rounding: the end is never later than the store has it.
    const askedAtMs = clock.monotonic();
    const { granted, endsInMs } = await store.lease({
      vaultId: vault.id,
      holder: cipher.digests.budgetHolder({ issuer, subject, grant }),
      want: Math.max(account.wanted - account.left, Math.floor(tokens / LEASES_PER_BUDGET), 1),
      limit: tokens,
      windowMs: perMs,
    });
    // Judged by now: what is left of a window that may be over must not be spent in the next one.
    account.left = granted + (clock.monotonic() < account.endsAtMs ? account.left : 0);
    account.endsAtMs = askedAtMs + endsInMs - 1;
    account.isExhausted = granted === 0;
  };

  /** One lease at a time per holder. Each caller gets an error of its own: callers note things in it. */
  const shareLease = async (account: Account, spending: Spending): Promise<void> => {
    account.leasing ??= lease(account, spending).finally(() => {
      delete account.leasing;
    });
    await account.leasing.catch((error: unknown): never => {
      throw new VaultError(asVaultError(error).code, { cause: error });
    });
  };

  /** True when the last lease covered it. Throws when there is nothing more to lease. */
  const take = (account: Account, items: number): boolean => {
    const isOpen = clock.monotonic() < account.endsAtMs;
    const isCovered = isOpen && account.left >= items;
    if (isOpen && !isCovered && account.isExhausted) throw new VaultError('budget_exhausted');
    account.left -= isCovered ? items : 0;
    return isCovered;
  };

  const leaseAndTake = async (account: Account, spending: Spending): Promise<void> => {
    const { items } = spending;
    account.wanted += items;
    try {
      for (let leases = 0; leases < MAX_LEASES; leases += 1) {
        await shareLease(account, spending);
        if (take(account, items)) return;
      }
      throw new VaultError('overloaded');
    } finally {
      account.wanted -= items;
    }
  };

  return {
    async spend(spending) {
      const { items, budget } = spending;
      if (items > budget.tokens) throw new VaultError('budget_exhausted');
      const account = accountOf(spending);
      if (!take(account, items)) await leaseAndTake(account, spending);
    },
  };
}

/** Finds the account of a holder, or opens it; makes room by forgetting the least recently used one. */
function makeAccounts(): (spending: Spending) => Account {
  const accounts = new Map<string, Account>();
  return ({ vault, principal, budget }: Spending): Account => {
    const { grant, tokens, perMs } = budget;
    const { issuer, subject } = principal;
    // With its numbers: another budget under the same name says nothing about this one.
    const key = JSON.stringify([vault.id, issuer, subject, grant, tokens, perMs]);
    const account = accounts.get(key) ?? { left: 0, endsAtMs: 0, isExhausted: false, wanted: 0 };
    accounts.delete(key);
    accounts.set(key, account);
    const [oldest] = accounts.keys();
    if (accounts.size > MAX_ACCOUNTS && oldest !== undefined) accounts.delete(oldest);
    return account;
  };
}
