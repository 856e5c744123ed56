import type { StoredToken, TokenKey } from './token-store.ts';

/** A row that a person is linked to. `isShared`: somebody else is linked to it, too. */
export type PersonalRow = { row: StoredToken; isShared: boolean };

/** A person in a vault: `digest` is the keyed digest of the caller's reference, 32 bytes. */
export type PersonKey = { vaultId: number; digest: Buffer };

/** One erasure of a person: `atMs` is the time that the journal has for it, in epoch milliseconds. */
export type Erasure = PersonKey & { atMs: number };

/** Persons and what belongs to them. All methods reject with `store_unavailable`. */
export interface PeopleStore {
  /** Live rows of the person, by shard and token, at most `limit`, after `after`. */
  rowsOf(
    person: PersonKey & { after?: Pick<TokenKey, 'shard' | 'token'>; limit: number },
  ): Promise<PersonalRow[]>;

  /**
   * Erases the person in one transaction: their links, the rows that nobody else is linked to or that only
   * their secret opens (`tombstone` gives the keyed digest, 16 bytes, that a token of a small format leaves),
   * stored answers, their secret, metadata and tags of what they shared; and notes the erasure. No row of theirs can appear while it runs, and of two
   * persons who are erased at once, one takes along what they shared. Resolves to the number of rows deleted.
   *
   * Repeating the same erasure (`atMs`) changes nothing and gives the same number, also when the person came
   * back in between.
   */
  erase(erasure: Erasure & { tombstone: (token: string) => Buffer }): Promise<number>;

  /** Of these, in order, the ones that the database does not know of: it was restored from before. */
  unknownErasures(erasures: readonly Erasure[]): Promise<Erasure[]>;
}
