import { VaultError } from '../domain/errors.ts';
import type { Authority } from './authority.ts';
import { sha256 } from './digest.ts';
import type { KeyContext } from './keyring.ts';

/** NIST SP 800-57 part 1, §7: the states that a key version passes through. */
export type KeyState = 'pre-activation' | 'active' | 'deactivated' | 'destroyed';

/** What a key is for. `audit-mac`, `audit-term`, `log-sign`, `authority` and `cache` belong to `_system` alone. */
export type KeysetPurpose =
  | 'seal'
  | 'fingerprint'
  | 'placement'
  | 'join'
  | 'fpe'
  | 'siv'
  | 'idempotency'
  | 'private'
  | 'audit-mac'
  | 'audit-term'
  | 'log-sign'
  | 'authority'
  | 'cache';

/** The vault id of `_system`, the service's own keys. */
export const SYSTEM_VAULT_ID = 0;

/** One key version as the store holds it. */
export type WrappedKey = {
  vaultId: number;
  purpose: KeysetPurpose;
  version: number;
  state: KeyState;
  /** From the keyring. */
  wrapped: Buffer;
  /** By the authority key over all the members above. */
  mac: Buffer;
};

/** Where wrapped keys live. Both reject with `store_unavailable` when the store cannot answer. */
export interface WrappedKeyStore {
  /** All key versions of a vault, in no particular order, destroyed ones included. */
  load(vaultId: number): Promise<WrappedKey[]>;
  /**
   * Durable when it resolves. Does nothing when (vault, purpose, version) exists: the first writer wins,
   * and callers load again to learn whose key it is.
   */
  insert(key: WrappedKey): Promise<void>;
}

/** Authenticated by the keyring: a wrapped key opens only as what it was made for. */
export function contextOf(key: Pick<WrappedKey, 'vaultId' | 'purpose' | 'version'>): KeyContext {
  return {
    app: 'counterfoil',
    vault: String(key.vaultId),
    purpose: key.purpose,
    version: String(key.version),
  };
}

/** The row with its MAC. */
export function signRow(row: Omit<WrappedKey, 'mac'>, authority: Authority): WrappedKey {
  return { ...row, mac: authority.mac('key', macFields(row)) };
}

/**
 * Throws `key_unavailable` when the row is not as we wrote it. Without this check whoever writes to the
 * database could reactivate a deactivated key by editing `state`, which the keyring does not see.
 */
export function checkRow(row: WrappedKey, authority: Authority): void {
  if (!authority.verify('key', macFields(row), row.mac)) {
    throw new VaultError('key_unavailable', { detail: 'a key row was altered' });
  }
}

function macFields(row: Omit<WrappedKey, 'mac'>) {
  return [row.vaultId, row.purpose, row.version, row.state, sha256(row.wrapped)];
}
