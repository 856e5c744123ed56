import { type Authority, makeAuthority } from './authority.ts';
import { type CacheSeal, makeCacheSeal } from './cache-seal.ts';
import { type Ff1Engine, makeFf1Engine } from './ff1-engine.ts';
import { loadAuthority, loadVersions } from './key-loader.ts';
import { activeKey } from './key-versions.ts';
import type { Keyring } from './keyring.ts';
import { type MonthKeys, makeMonthKeys } from './month-keys.ts';
import { randomBytes } from './random.ts';
import { SecretKey } from './secret.ts';
import { makeTimedCache } from './timed-cache.ts';
import { makeVaultCipher, type VaultCipher, type VaultKeyVersions } from './vault-cipher.ts';
import {
  contextOf,
  type KeysetPurpose,
  SYSTEM_VAULT_ID,
  signRow,
  type WrappedKey,
  type WrappedKeyStore,
} from './wrapped-key.ts';

const KEY_BYTES = 32;
const FIRST_VERSION = 1;
/** The authority first: it signs the rows of all others. */
const SYSTEM_PURPOSES = ['authority', 'audit-mac', 'log-sign', 'cache'] as const;
const VAULT_PURPOSES = [
  'seal',
  'fingerprint',
  'placement',
  'join',
  'fpe',
  'siv',
  'idempotency',
] as const;

/**
 * All keys of the service, unwrapped and at most `cacheMs` old. Every method rejects with
 * `key_unavailable` when a key is missing, altered or does not open, and passes the store's errors on.
 */
export type Keysets = MonthKeys & {
  /** Makes the service's own keys where they are missing. Safe in any race. */
  ensureSystem(): Promise<void>;
  /** Makes a vault's keys where they are missing; after `ensureSystem`. Safe in any race. */
  ensureVault(vaultId: number): Promise<void>;
  /** The cipher of a vault that has keys. Ask for it in each request; never keep it. */
  cipherOf(vaultId: number): Promise<VaultCipher>;
  /** The key that each shard's signing key is derived from (`makeLogSigner`). */
  logSign(): Promise<SecretKey>;
  /** The key that each process derives its audit MAC key from (`bootMacKey`). */
  auditMac(): Promise<SecretKey>;
  /** What names and vouches for entries of the cache that instances share. */
  cacheSeal(): Promise<CacheSeal>;
  /** What signs and checks the rows that give rights. */
  authority(): Promise<Authority>;
  /** Ends the threads that FF1 was spread over, when they are done. No key is forgotten. */
  close(): Promise<void>;
};

type Deps = {
  store: WrappedKeyStore;
  keyring: Keyring;
  clock: { monotonic(): number };
  /** Longest life of an unwrapped key, so that disabling a root key takes effect. */
  cacheMs?: number;
  /** The number that a vault's data is bound to; by default its own id. */
  sealIdOf?: (vaultId: number) => number | Promise<number>;
  ff1?: Ff1Engine;
};

/** Makes the manager of all keys. */
export function makeKeysets(deps: Deps): Keysets {
  const { store, keyring, clock, cacheMs = 900_000 } = deps;
  const { sealIdOf = (vaultId) => vaultId, ff1 = makeFf1Engine() } = deps;
  const authorities = makeTimedCache<Authority>({ maxAgeMs: cacheMs, clock });
  const systemKeys = makeTimedCache<SecretKey>({ maxAgeMs: cacheMs, clock });
  const cacheSeals = makeTimedCache<CacheSeal>({ maxAgeMs: cacheMs, clock });
  const ciphers = makeTimedCache<VaultCipher>({ maxAgeMs: cacheMs, clock });

  const authority = (): Promise<Authority> =>
    authorities.get('', async () =>
      loadAuthority({ rows: await store.load(SYSTEM_VAULT_ID), keyring }),
    );
  const create = makeCreator({ store, keyring, authority });

  const ensure = async (vaultId: number, purposes: readonly KeysetPurpose[]): Promise<void> => {
    const rows = await store.load(vaultId);
    for (const purpose of purposes) {
      // Any row counts, a destroyed one too: a keyset never starts anew.
      if (!rows.some((row) => row.purpose === purpose)) {
        await create({ vaultId, purpose, version: FIRST_VERSION });
      }
    }
  };

  const loadingOf = async (vaultId: number) => ({
    rows: await store.load(vaultId),
    vaultId,
    keyring,
    authority: await authority(),
  });

  const loadCipher = async (vaultId: number): Promise<VaultCipher> => {
    const loading = await loadingOf(vaultId);
    const load = (purpose: keyof VaultKeyVersions) => loadVersions({ ...loading, purpose });
    const [seal, fingerprint, placement, join, fpe, siv, idempotency] = await Promise.all([
      load('seal'),
      load('fingerprint'),
      load('placement'),
      load('join'),
      load('fpe'),
      load('siv'),
      load('idempotency'),
    ]);
    const keys = { seal, fingerprint, placement, join, fpe, siv, idempotency };
    return makeVaultCipher({ vaultId: await sealIdOf(vaultId), keys, ff1 });
  };

  const loadSystemKey = async (purpose: (typeof SYSTEM_PURPOSES)[number]): Promise<SecretKey> =>
    activeKey(await loadVersions({ ...(await loadingOf(SYSTEM_VAULT_ID)), purpose }));

  return {
    ensureSystem: () => ensure(SYSTEM_VAULT_ID, SYSTEM_PURPOSES),
    ensureVault: (vaultId) => ensure(vaultId, VAULT_PURPOSES),
    cipherOf: (vaultId) => ciphers.get(String(vaultId), () => loadCipher(vaultId)),
    ...makeMonthKeys({ loadingOf, create, clock, cacheMs }),
    auditMac: () => systemKeys.get('audit-mac', () => loadSystemKey('audit-mac')),
    logSign: () => systemKeys.get('log-sign', () => loadSystemKey('log-sign')),
    cacheSeal: () => cacheSeals.get('', async () => makeCacheSeal(await loadSystemKey('cache'))),
    authority,
    close: ff1.close,
  };
}

type CreatorDeps = Pick<Deps, 'store' | 'keyring'> & { authority: () => Promise<Authority> };

/** Makes a random key, active at once, and offers it to the store; the first writer wins. */
function makeCreator({ store, keyring, authority }: CreatorDeps) {
  return async (name: Pick<WrappedKey, 'vaultId' | 'purpose' | 'version'>): Promise<void> => {
    const bytes = randomBytes(KEY_BYTES);
    try {
      const row = {
        ...name,
        state: 'active',
        wrapped: await keyring.wrap(bytes, contextOf(name)),
      } as const;
      // The authority's own row is signed by the key inside it.
      const signer =
        name.purpose === 'authority'
          ? makeAuthority(SecretKey.take(Buffer.from(bytes)))
          : await authority();
      await store.insert(signRow(row, signer));
    } finally {
      bytes.fill(0);
    }
  };
}
