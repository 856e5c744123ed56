/** Whose budget, under which rule. `holder` is a keyed digest (16 bytes) of principal and grant. */
export type BudgetKey = { vaultId: number; holder: Buffer };

/**
 * Budgets that all instances share. What was leased is spent, whether it is used or not: neither a crash
 * nor a lost answer gives anything back (DESIGN §11).
 */
export interface BudgetStore {
  /**
   * Takes up to `want` (at least 1) out of a budget of `limit` per window of `windowMs`. A window begins with the first
   * lease after the one before has ended, by the store's clock. `granted` may be less than asked for, and 0;
   * `endsInMs` tells when the window ends. Rejects with `store_unavailable`.
   */
  lease(
    ask: BudgetKey & { want: number; limit: number; windowMs: number },
  ): Promise<{ granted: number; endsInMs: number }>;
}
