import { makeSharedTokens } from '../../src/adapters/cache/shared-tokens.ts';
import { makeTokenReads } from '../../src/adapters/cache/token-reads.ts';
import { makeRedisCache } from '../../src/adapters/redis/cache.ts';
import { makeRedisClient } from '../../src/adapters/redis/client.ts';
import { makeCacheCounts } from '../../src/telemetry/metrics-cache.ts';
import type { OpenReads } from './cache-instances.ts';
import { realClock as clock } from './clock.ts';

/** A test does not wait as long as a service until Redis is asked again. */
const PAUSES = { firstMs: 50, maxMs: 200 };

/**
 * The caches of an instance.
 *
 * @param options.maxBytes of its own memory; 0: it has none
 * @param options.redisUrl of the cache that instances share; without it there is none
 */
export function openReads(options: { maxBytes: number; redisUrl?: string }): OpenReads {
  const { maxBytes, redisUrl } = options;
  return async ({ store, keysets }) => {
    if (redisUrl === undefined) {
      return { reads: makeTokenReads({ store, clock, maxBytes }), close: async () => {} };
    }
    const redis = makeRedisClient({ url: redisUrl, failed: () => {} });
    await redis.connect().catch(() => {});
    const cache = makeRedisCache({ redis, clock, pauses: PAUSES });
    const counts = makeCacheCounts();
    const shared = makeSharedTokens({ cache, seal: () => keysets.cacheSeal(), counts });
    return {
      reads: makeTokenReads({ store, clock, maxBytes, shared, counts }),
      close: () => cache.close(),
    };
  };
}
