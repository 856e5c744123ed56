import type { Erasure } from './people-store.ts';

/**
 * What was erased, kept where no backup of the database takes it back: a restored database is compared with it.
 * Both methods reject with `store_unavailable`.
 */
export interface ErasureJournal {
  /** Remembers the erasure; durable when it resolves. Again and again the same one is one entry. */
  note(erasure: Erasure): Promise<void>;

  /**
   * All erasures that this service has noted, the oldest first. `altered` names the entries that it did not
   * write as they are: nobody is erased on their word.
   */
  all(): Promise<{ erasures: Erasure[]; altered: string[] }>;
}

/** Where the entries of a journal are kept: short texts under names. Both reject with `store_unavailable`. */
export interface JournalStore {
  /** Keeps an entry; durable when it resolves. One that has that name stays as it is. */
  add(name: string, text: string): Promise<void>;

  /** The names of all whole entries, in no order. */
  names(): Promise<string[]>;

  /** Entries by name; those that are there no more are left out. */
  read(names: readonly string[]): Promise<Map<string, string>>;

  close(): Promise<void>;
}
