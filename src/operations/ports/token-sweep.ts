import type { TokenKey } from './token-store.ts';

/** A dead row: expired, or without a reveal left. `isSmall` says whether it needs a tombstone. */
export type DeadToken = TokenKey & { isSmall: boolean };

/** Deletes what no longer resolves. All methods reject with `store_unavailable`. */
export interface TokenSweep {
  /**
   * Dead rows of all vaults, at most `limit`: expired ones first, the longest dead of them in front. Rows
   * that need a tombstone are left out for vaults `withoutKeys`, so that they are in nobody's way.
   */
  findDead(ask: { limit: number; withoutKeys: readonly number[] }): Promise<DeadToken[]>;

  /**
   * Deletes these rows if they are dead, in one transaction with the tombstones (keyed digests of the tokens,
   * 16 bytes) of those that need one. Passed over: rows that are alive, rows that another instance is deleting,
   * and rows that need a tombstone and come without. How many it deleted.
   */
  bury(rows: readonly (TokenKey & { tombstone?: Buffer })[]): Promise<number>;

  /**
   * Deletes stored answers older than 24 h and revocations older than `revocationMs`, some thousand per
   * call: how many. 0 when there are none left.
   */
  forget(older: { revocationMs: number }): Promise<number>;
}
