import type { Settled, Soon } from '../../domain/soon.ts';
import type { CachedToken } from './audit-log.ts';
import type { FingerprintKey, StoredToken, TokenKey } from './token-store.ts';

/** What the reads of one request leave behind, for the basis of its event. One per attempt at a request. */
export type ReadNotes = {
  /** Ask the store itself: an answer was withheld because a cache was behind. */
  readonly isFresh: boolean;
  /** Tokens that were answered without asking the store after the request began; reads add to it. */
  readonly cached: CachedToken[];
};

/** Tokens and values of one vault that may be remembered wrongly by now. */
export type Forgettable = Pick<TokenKey, 'vaultId' | 'token'>;

/**
 * Finds tokens, out of caches where these have them (DESIGN §9). A cache is never an authority: whatever was
 * not read from the store after the request began is noted in `notes`, and the event about the answer looks
 * whether it is still so. Rows come without their metadata, which can change. Rejects as the store does; a
 * cache that fails, is slow, or holds what we did not write is as one that has nothing.
 */
export interface TokenReads {
  find(key: TokenKey, notes: ReadNotes): Soon<StoredToken | undefined>;
  findByFingerprint(key: FingerprintKey, notes: ReadNotes): Soon<StoredToken | undefined>;
  /** As `findByFingerprint` of each, in order; each fails on its own, and the promise never rejects. */
  findAllByFingerprint(
    keys: readonly FingerprintKey[],
    notes: ReadNotes,
  ): Promise<Settled<StoredToken | undefined>[]>;
  /** Drops what caches have of these tokens; those of other processes find out by themselves. */
  forget(keys: readonly Forgettable[]): void;
}
