import { VaultError } from '../../domain/errors.ts';
import type { VolatileStore, VolatileToken } from '../../operations/ports/volatile-store.ts';

/** An hour of some 28 values a second. */
const MAX_ROWS = 100_000;

type Key = { vaultId: number; token: string };
/** `reveals`: how many are left; without limit when absent. */
type Kept = { row: VolatileToken; reveals: number | undefined };

const keyOf = ({ vaultId, token }: Key): string => `${vaultId}/${token}`;

/**
 * Volatile values in the memory of this process: gone with it, and known to it alone. For development and
 * tests. When it is full it refuses new values (`overloaded`), because nobody could tell an evicted one from
 * a lost one.
 *
 * @param deps.maxRows how many live values it holds at most
 */
export function makeMemoryVolatileStore({
  clock,
  maxRows = MAX_ROWS,
}: {
  clock: { now(): number };
  maxRows?: number;
}): VolatileStore {
  const rows = new Map<string, Kept>();

  const isLive = ({ row }: Kept): boolean => row.expiresAtMs > clock.now();

  const findLive = (key: Key): Kept | undefined => {
    const kept = rows.get(keyOf(key));
    if (kept === undefined || isLive(kept)) return kept;
    rows.delete(keyOf(key));
    return undefined;
  };

  /** Not with each value: looking through all of them is for when there is no room. */
  const makeRoom = (): void => {
    if (rows.size < maxRows) return;
    for (const [key, kept] of rows) if (!isLive(kept)) rows.delete(key);
    if (rows.size >= maxRows) throw new VaultError('overloaded');
  };

  return {
    async put(row, reveals) {
      if (findLive(row) !== undefined) return false;
      makeRoom();
      rows.set(keyOf(row), { row, reveals });
      return true;
    },
    find: async (key) => findLive(key)?.row,
    async takeReveal(key) {
      const kept = findLive(key);
      if (kept?.reveals === undefined) return kept !== undefined;
      kept.reveals -= 1;
      // With the last one the value goes, too: nothing may be left to read out of memory.
      if (kept.reveals === 0) rows.delete(keyOf(key));
      return true;
    },
    async end(key) {
      const isThere = findLive(key) !== undefined;
      rows.delete(keyOf(key));
      return isThere;
    },
    async close() {
      rows.clear();
    },
  };
}
