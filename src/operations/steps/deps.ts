import type { ReceiptSigner } from '../../crypto/receipt-signer.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { ErasureJournal } from '../ports/erasure-journal.ts';
import type { PeopleStore } from '../ports/people-store.ts';
import type { TokenReads } from '../ports/token-reads.ts';
import type { TokenSearch } from '../ports/token-search.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { VaultKeys } from '../ports/vault-keys.ts';
import type { VaultRegistry } from '../ports/vault-registry.ts';
import type { VolatileStore } from '../ports/volatile-store.ts';
import type { Budgets } from './budget.ts';

/** What operations need of the world. */
export type OperationDeps = {
  vaults: VaultRegistry;
  keys: VaultKeys;
  tokens: TokenStore;
  /** The same tokens, out of caches where these have them. */
  reads: TokenReads;
  search: TokenSearch;
  people: PeopleStore;
  /** Remembers erasures where no restored backup undoes it. */
  journal: ErasureJournal;
  /** Signs receipts about erasures. */
  receipts: ReceiptSigner;
  /** Where values of volatile fields are kept. */
  volatile: VolatileStore;
  /** One for the process: it holds what was leased. */
  budgets: Budgets;
  audit: AuditLog;
  clock: Clock;
  random: (bytes: number) => Uint8Array;
};
