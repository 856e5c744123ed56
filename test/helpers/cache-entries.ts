// What an attacker can do who reads and writes the Redis of the cache.
import { Redis } from 'ioredis';

/** All that is in Redis under one name, in Redis's own form. */
type SavedEntry = { name: Buffer; dump: Buffer };

export type CacheEntries = {
  redis: Redis;
  /** Names of all entries, in order. */
  names(): Promise<Buffer[]>;
  /** Entries that are strings, as they are. */
  read(): Promise<Map<Buffer, Buffer>>;
  save(): Promise<SavedEntry[]>;
  /** Puts entries in the place of what is there, for so long; 0: for ever. */
  restore(saved: readonly SavedEntry[], lifeMs: number): Promise<void>;
  /** Resolves when there are so many: nobody waits for an entry to be written. */
  untilThere(count: number): Promise<void>;
  close(): Promise<void>;
};

const APPEAR_WITHIN_MS = 20_000;

/** Opens a connection to the Redis of a cache that has it for itself. */
export async function openCacheEntries(url: string): Promise<CacheEntries> {
  const redis = new Redis(url);
  redis.on('error', () => {});
  const names = async () => (await redis.keysBuffer('*')).sort(Buffer.compare);
  return {
    redis,
    names,
    read: async () => {
      const entries = new Map<Buffer, Buffer>();
      for (const name of await names()) {
        const bytes = await redis.getBuffer(name);
        if (bytes !== null) entries.set(name, bytes);
      }
      return entries;
    },
    save: async () => {
      const saved: SavedEntry[] = [];
      for (const name of await names()) {
        const dump = await redis.dumpBuffer(name);
        if (dump !== null) saved.push({ name, dump });
      }
      return saved;
    },
    restore: async (saved, lifeMs) => {
      for (const { name, dump } of saved) await redis.restore(name, lifeMs, dump, 'REPLACE');
    },
    untilThere: async (count) => {
      const giveUpAtMs = performance.now() + APPEAR_WITHIN_MS;
      while ((await redis.dbsize()) < count) {
        if (performance.now() > giveUpAtMs) throw new Error('the cache was not filled');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    close: async () => {
      redis.disconnect();
    },
  };
}
