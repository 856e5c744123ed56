import { VaultError } from '../domain/errors.ts';
import type { Authority } from './authority.ts';
import { loadVersion } from './key-loader.ts';
import type { Keyring } from './keyring.ts';
import { makePrivateCipher, monthOf, type PrivateCipher } from './private-cipher.ts';
import type { SecretKey } from './secret.ts';
import { makeTimedCache } from './timed-cache.ts';
import { checkRow, SYSTEM_VAULT_ID, type WrappedKey } from './wrapped-key.ts';

/** How long the list of a vault's months is believed. */
const LIVING_MONTHS_MS = 1_000;

/** Keys of which there is one a month (UTC), so that a month of the log can be forgotten as a whole. */
export type MonthKeys = {
  /**
   * The cipher of audit disclosures for the month of `atMs` (milliseconds since the epoch, UTC months).
   * Makes the month's key on first use, safe in any race. Vault 0 is `_system`.
   */
  privateCipher(vaultId: number, atMs: number): Promise<PrivateCipher>;
  /**
   * As `privateCipher`, but it never makes a key: `undefined` when that month's key was never made or is
   * destroyed. A destruction is seen within a second, on every instance.
   */
  findPrivateCipher(vaultId: number, atMs: number): Promise<PrivateCipher | undefined>;
  /** The key of blind-index terms for the month of `atMs`; made on first use. */
  auditTerm(atMs: number): Promise<SecretKey>;
  /** The term keys of all months that have one, newest first: what a search has to try. */
  auditTerms(): Promise<readonly { month: number; key: SecretKey }[]>;
};

/** One month's key by name; `version` is the month as yyyymm. */
type MonthName = { vaultId: number; purpose: 'private' | 'audit-term'; version: number };

/** What is needed to read the keys of one vault. */
type Loading = {
  rows: readonly WrappedKey[];
  vaultId: number;
  keyring: Keyring;
  authority: Authority;
};

/** Makes the part of the keysets that deals in months; rejects as they do. */
export function makeMonthKeys(deps: {
  loadingOf: (vaultId: number) => Promise<Loading>;
  /** Makes a key unless there is one. */
  create: (name: MonthName) => Promise<void>;
  clock: { monotonic(): number };
  /** Longest life of an unwrapped key. */
  cacheMs: number;
}): MonthKeys {
  const { loadingOf, create, clock, cacheMs } = deps;
  const ciphers = makeTimedCache<PrivateCipher>({ maxAgeMs: cacheMs, clock });
  const terms = makeTimedCache<SecretKey>({ maxAgeMs: cacheMs, clock });
  // Short: a month that another instance began, or a key that was destroyed, must be seen soon.
  const months = makeTimedCache<number[]>({ maxAgeMs: LIVING_MONTHS_MS, clock });

  const load = async (name: MonthName): Promise<SecretKey> => {
    const key = await loadVersion({ ...(await loadingOf(name.vaultId)), ...name });
    if (key === undefined) {
      throw new VaultError('key_unavailable', { detail: 'a key vanished after it was stored' });
    }
    return key;
  };
  const loadOrMake = async (name: MonthName): Promise<SecretKey> => {
    const found = await loadVersion({ ...(await loadingOf(name.vaultId)), ...name });
    if (found !== undefined) {
      return found;
    }
    await create(name);
    // Not the key just made: another instance may have been first.
    return load(name);
  };

  const cipherOf = (name: MonthName, source: (name: MonthName) => Promise<SecretKey>) =>
    ciphers.get(`${name.vaultId}/${name.version}`, async () =>
      makePrivateCipher({ ...name, key: await source(name) }),
    );
  const termKeyOf = (version: number, source: (name: MonthName) => Promise<SecretKey>) =>
    terms.get(String(version), () =>
      source({ vaultId: SYSTEM_VAULT_ID, purpose: 'audit-term', version }),
    );
  const privateName = (vaultId: number, atMs: number): MonthName => ({
    vaultId,
    purpose: 'private',
    version: monthOf(atMs),
  });

  return {
    privateCipher: (vaultId, atMs) => cipherOf(privateName(vaultId, atMs), loadOrMake),
    findPrivateCipher: async (vaultId, atMs) => {
      const name = privateName(vaultId, atMs);
      const living = await months.get(String(vaultId), async () =>
        livingMonths(await loadingOf(vaultId), 'private'),
      );
      return living.includes(name.version) ? cipherOf(name, load) : undefined;
    },
    auditTerm: (atMs) => termKeyOf(monthOf(atMs), loadOrMake),
    auditTerms: async () => {
      const living = livingMonths(await loadingOf(SYSTEM_VAULT_ID), 'audit-term');
      const newestFirst = living.sort((a, b) => b - a);
      return Promise.all(
        newestFirst.map(async (month) => ({ month, key: await termKeyOf(month, load) })),
      );
    },
  };
}

/**
 * The months that have a key. Rows are checked: whoever edits a state in the database must not make a
 * month look forgotten, and its events erased, that is not.
 */
function livingMonths(
  { rows, vaultId, authority }: Loading,
  purpose: MonthName['purpose'],
): number[] {
  const own = rows.filter((row) => row.purpose === purpose).map((row) => ({ ...row, vaultId }));
  for (const row of own) {
    checkRow(row, authority);
  }
  return own.filter((row) => row.state !== 'destroyed').map(({ version }) => version);
}
