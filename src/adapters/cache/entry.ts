import type { CachedToken } from '../../operations/ports/audit-log.ts';
import type { FingerprintKey, StoredToken, TokenKey } from '../../operations/ports/token-store.ts';

/** How long a row may be remembered, by the store's clock. */
const LIFE_MS = 600_000;

/** A token by itself, or by the value that it stands for. */
export type EntryKey = TokenKey | FingerprintKey;

/** A row as caches keep it: without metadata, which can change while the row stays. */
export type CachedRow = Omit<StoredToken, 'metadata' | 'revealsLeft' | 'subject'>;

/**
 * What may be kept of a row; `undefined` for one whose reveals are counted: each one changes it; and for one
 * that is sealed under a person's secret: once that is deleted, no copy of it may be left (DESIGN §7).
 */
export function cachedRow(row: StoredToken): CachedRow | undefined {
  const { metadata: _, revealsLeft, subject, ...kept } = row;
  return revealsLeft === undefined && subject === undefined ? kept : undefined;
}

/** When an entry ends, by the store's clock; milliseconds since the epoch. */
export function endOf({ readAtMs, expiresAt }: CachedRow): number {
  return Math.min(readAtMs + LIFE_MS, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
}

/** What an answer that rests on this row has to be checked for. */
export function asCached(vaultId: number, row: CachedRow): CachedToken {
  const { shard, token, sealed } = row;
  return { vaultId, shard, token, sealed, untilMs: endOf(row) };
}

/** One text per entry. Vault ids are digits, so that no name of a token is that of a value. */
export function nameOf(key: EntryKey): string {
  if ('token' in key) return tokenName(key);
  const { vaultId, fieldId, fingerprint } = key;
  return `${vaultId}:${fieldId}:${fingerprint.version}:${fingerprint.digest.toString('latin1')}`;
}

/** As `nameOf`, of what names a token and no place. */
export function tokenName({ vaultId, token }: Pick<TokenKey, 'vaultId' | 'token'>): string {
  return `${vaultId}/${token}`;
}
