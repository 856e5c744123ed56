import type { AuditLog } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { VaultKeys } from '../ports/vault-keys.ts';
import type { VaultRegistry } from '../ports/vault-registry.ts';

/** What operations need of the world. */
export type OperationDeps = {
  vaults: VaultRegistry;
  keys: VaultKeys;
  tokens: TokenStore;
  audit: AuditLog;
  clock: Clock;
  random: (bytes: number) => Uint8Array;
};
