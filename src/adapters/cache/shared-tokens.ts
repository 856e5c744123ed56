import type { CacheSeal } from '../../crypto/cache-seal.ts';
import type { SharedCache } from '../../operations/ports/shared-cache.ts';
import type { Forgettable } from '../../operations/ports/token-reads.ts';
import type { CacheCounts } from '../../telemetry/metrics-cache.ts';
import type { CachedRow, EntryKey } from './entry.ts';
import { decodeRow, encodeRow } from './row-codec.ts';

/** Rows in a cache that several processes share. Nothing here rejects; what goes wrong is a miss. */
export type SharedTokens = {
  /** A row that one of us put there under this very name, some time ago. */
  find(key: EntryKey): Promise<CachedRow | undefined>;
  keep(key: EntryKey, row: CachedRow, lifeMs: number): void;
  drop(keys: readonly (EntryKey | Forgettable)[]): void;
};

/**
 * Makes the tokens of a shared cache. Who writes to it can make it forget or bring back what was there, and
 * nothing else: altered and swapped entries are no entries, and old ones are found out by the audit statement.
 */
export function makeSharedTokens(deps: {
  cache: SharedCache;
  seal: () => Promise<CacheSeal>;
  counts: Pick<CacheCounts, 'redis'>;
}): SharedTokens {
  const { cache, counts } = deps;
  /** Without its key it is a cache that has nothing. */
  const withSeal = async <T>(work: (seal: CacheSeal) => T): Promise<Awaited<T> | undefined> => {
    try {
      return await work(await deps.seal());
    } catch {
      counts.redis.error += 1;
      return undefined;
    }
  };

  return {
    find: (key) =>
      withSeal(async (seal) => {
        const name = nameOf(seal, key);
        const [bytes] = await cache.get([name]);
        if (bytes === undefined) return undefined;
        const content = seal.open(name, bytes);
        if (content === undefined) {
          counts.redis.error += 1;
          return undefined;
        }
        return decodeRow(content);
      }),
    keep(key, row, lifeMs) {
      void withSeal((seal) => {
        const name = nameOf(seal, key);
        cache.put(name, seal.seal(name, encodeRow(row)), lifeMs);
      });
    },
    drop(keys) {
      void withSeal((seal) => cache.drop(keys.map((key) => nameOf(seal, key))));
    },
  };
}

/** `shard` is no part of it: a token has one, and who forgets a token need not know it. */
function nameOf(seal: CacheSeal, key: EntryKey | Forgettable): string {
  if ('token' in key) return seal.nameOf(['token', key.vaultId, key.token]);
  const { vaultId, fieldId, fingerprint } = key;
  return seal.nameOf(['value', vaultId, fieldId, fingerprint.version, fingerprint.digest]);
}
