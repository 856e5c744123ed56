import type { AuditLog } from '../../src/operations/ports/audit-log.ts';
import type { TokenStore } from '../../src/operations/ports/token-store.ts';

/** A log that nobody asks whether an answer still holds: what caches would do without it. */
export const withoutCheck = (log: AuditLog): AuditLog => ({ append: (event) => log.append(event) });

/** Counts the reads that reach the store, and can hold the next one's answer back. */
export function makeWatchedStore() {
  let count = 0;
  let gate: Promise<void> | undefined;
  let held = () => {};

  const watched =
    <Key, Row>(read: (key: Key) => Promise<Row>) =>
    async (key: Key): Promise<Row> => {
      count += 1;
      const until = gate;
      gate = undefined;
      const row = await read(key);
      if (until !== undefined) {
        held();
        await until;
      }
      return row;
    };

  return {
    reads: () => count,
    seam: (store: TokenStore): TokenStore => ({
      ...store,
      find: watched(store.find),
      findByFingerprint: watched(store.findByFingerprint),
    }),
    /** The next read is made, and nobody hears of it before `release`. */
    holdNext(): { isHeld: Promise<void>; release: () => void } {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      const isHeld = new Promise<void>((resolve) => {
        held = resolve;
      });
      return { isHeld, release };
    },
  };
}
