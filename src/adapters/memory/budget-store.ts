import type { BudgetStore } from '../../operations/ports/budget-store.ts';

/** Budgets in memory, for tests: `clock` stands for the database's. */
export function makeMemoryBudgetStore(clock: { now(): number }): BudgetStore {
  const windows = new Map<string, { startMs: number; used: number }>();
  return {
    async lease({ vaultId, holder, want, limit, windowMs }) {
      const key = `${vaultId}/${holder.toString('hex')}`;
      const now = clock.now();
      const last = windows.get(key);
      const open = last !== undefined && last.startMs + windowMs > now ? last : undefined;
      const window = open ?? { startMs: now, used: 0 };
      const granted = Math.max(0, Math.min(want, limit - window.used));
      window.used += granted;
      windows.set(key, window);
      return { granted, endsInMs: window.startMs + windowMs - now };
    },
  };
}
