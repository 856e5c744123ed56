import { VaultError } from '../domain/errors.ts';
import { type Authority, makeAuthority } from './authority.ts';
import type { KeyVersions } from './key-versions.ts';
import type { Keyring } from './keyring.ts';
import type { SecretKey } from './secret.ts';
import {
  checkRow,
  contextOf,
  type KeysetPurpose,
  SYSTEM_VAULT_ID,
  type WrappedKey,
} from './wrapped-key.ts';

type Loading = { rows: readonly WrappedKey[]; vaultId: number; keyring: Keyring };

/**
 * The authority, from the rows of `_system`. Its own row must verify under the key inside it. Rejects
 * with `key_unavailable`.
 */
export async function loadAuthority(input: Omit<Loading, 'vaultId'>): Promise<Authority> {
  const own = rowsOf({ ...input, vaultId: SYSTEM_VAULT_ID }, 'authority').filter(isActive);
  const row = onlyOne(own);
  const authority = makeAuthority(await unwrap(input.keyring, row));
  checkRow(row, authority);
  return authority;
}

/**
 * All usable versions of one keyset, every row checked before anything is unwrapped. Versions before
 * their activation count as readable: another instance may have activated them already. Rejects with
 * `key_unavailable` when a row was altered, a key does not open, or not exactly one version is active.
 */
export async function loadVersions(
  input: Loading & { purpose: KeysetPurpose; authority: Authority },
): Promise<KeyVersions> {
  const rows = rowsOf(input, input.purpose);
  for (const row of rows) {
    checkRow(row, input.authority);
  }
  const usable = rows.filter((row) => row.state !== 'destroyed');
  const active = onlyOne(usable.filter(isActive));
  const keys = await Promise.all(
    usable.map(async (row) => [row.version, await unwrap(input.keyring, row)] as const),
  );
  return { active: active.version, readable: new Map(keys) };
}

/** One version of a keyset, or `undefined` when it was never made. Rejects as `loadVersions` does. */
export async function loadVersion(
  input: Loading & { purpose: KeysetPurpose; version: number; authority: Authority },
): Promise<SecretKey | undefined> {
  const row = rowsOf(input, input.purpose).find(({ version }) => version === input.version);
  if (row === undefined) {
    return undefined;
  }
  checkRow(row, input.authority);
  if (row.state === 'destroyed') {
    throw new VaultError('key_unavailable', { detail: 'a key was destroyed' });
  }
  return unwrap(input.keyring, row);
}

/** The vault id is the one that was asked for, whatever the row says: a row moved here fails its MAC. */
function rowsOf({ rows, vaultId }: Loading, purpose: KeysetPurpose): WrappedKey[] {
  return rows.filter((row) => row.purpose === purpose).map((row) => ({ ...row, vaultId }));
}

function isActive(row: WrappedKey): boolean {
  return row.state === 'active';
}

function onlyOne(rows: readonly WrappedKey[]): WrappedKey {
  const [row, ...others] = rows;
  if (row === undefined || others.length > 0) {
    const detail =
      row === undefined ? 'a keyset has no active key' : 'a keyset has two active keys';
    throw new VaultError('key_unavailable', { detail });
  }
  return row;
}

function unwrap(keyring: Keyring, row: WrappedKey): Promise<SecretKey> {
  return keyring.unwrap(row.wrapped, contextOf(row));
}
