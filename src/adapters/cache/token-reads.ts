import type { TokenReads } from '../../operations/ports/token-reads.ts';
import type { TokenStore } from '../../operations/ports/token-store.ts';

/** Reads from the store itself. */
export function makeTokenReads({ store }: { store: TokenStore }): TokenReads {
  return {
    find: (key) => store.find(key),
    findByFingerprint: (key) => store.findByFingerprint(key),
    forget: () => {},
  };
}
