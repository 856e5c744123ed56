import type { Principal } from '../../../domain/access/principal.ts';
import { VaultError } from '../../../domain/errors.ts';

/** Bounds the streams at once: of all callers, and of each. */
export type Slots = {
  /**
   * Takes a place; the function gives it back.
   * @throws VaultError `overloaded` when all places are taken, `rate_limited` when the caller has its share
   */
  take(principal: Principal): () => void;
};

export function makeSlots(limits: { streams: number; streamsPerCaller: number }): Slots {
  const byCaller = new Map<string, number>();
  let taken = 0;
  const add = (caller: string, count: 1 | -1) => {
    taken += count;
    const own = (byCaller.get(caller) ?? 0) + count;
    if (own === 0) byCaller.delete(caller);
    else byCaller.set(caller, own);
  };
  return {
    take({ issuer, subject }) {
      const caller = JSON.stringify([issuer, subject]);
      if ((byCaller.get(caller) ?? 0) >= limits.streamsPerCaller) {
        throw new VaultError('rate_limited');
      }
      if (taken >= limits.streams) throw new VaultError('overloaded');
      add(caller, 1);
      return () => add(caller, -1);
    },
  };
}
