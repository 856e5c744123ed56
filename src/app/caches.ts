import { makeSharedTokens, type SharedTokens } from '../adapters/cache/shared-tokens.ts';
import { makeTokenReads } from '../adapters/cache/token-reads.ts';
import { makeRedisCache } from '../adapters/redis/cache.ts';
import type { Config } from '../config/load-config.ts';
import type { Keysets } from '../crypto/keysets.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { TokenReads } from '../operations/ports/token-reads.ts';
import type { TokenStore } from '../operations/ports/token-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CacheMetrics } from '../telemetry/metrics-cache.ts';
import { seldom } from './seldom.ts';

/** What may be remembered of tokens, and where. */
export type CacheOptions = Config['cache'];

type Deps = {
  store: TokenStore;
  keysets: Pick<Keysets, 'cacheSeal'>;
  clock: Clock;
  metrics: { cache: CacheMetrics };
  logger: Pick<Logger, 'warn'>;
  /** Called in reverse order at the end. */
  closers: (() => Promise<unknown>)[];
};

/** Opens the caches in front of the tokens. Neither can be a reason not to start, nor for a request to fail. */
export async function openTokenReads(
  { maxBytes, redisUrl }: CacheOptions,
  deps: Deps,
): Promise<TokenReads> {
  const { store, clock } = deps;
  const { counts, watchMemory } = deps.metrics.cache;
  const shared = redisUrl === undefined ? undefined : await openShared(redisUrl.reveal(), deps);
  const reads = makeTokenReads({ store, clock, maxBytes, shared, counts });
  watchMemory(reads.size);
  return reads;
}

/** A connection of its own: what volatile values wait for must not stand behind cached ones. */
async function openShared(
  url: string,
  { keysets, clock, metrics, logger, closers }: Deps,
): Promise<SharedTokens> {
  // As for volatile values: only who has a Redis loads its driver.
  const { makeRedisClient } = await import('../adapters/redis/client.ts');
  const warn = (error: unknown) => logger.warn('cache_unavailable', {}, error);
  const failed = seldom(clock, warn);
  const redis = makeRedisClient({ url, name: 'counterfoil-cache', failed });
  // It goes on trying by itself, and tells `failed` why.
  redis.connect().catch(() => {});
  const cache = makeRedisCache({ redis, clock });
  closers.push(cache.close);
  metrics.cache.watchShared(cache.reading);
  return makeSharedTokens({ cache, seal: keysets.cacheSeal, counts: metrics.cache.counts });
}
