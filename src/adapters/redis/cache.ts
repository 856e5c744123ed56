import type { Redis } from 'ioredis';
import type { SharedCache } from '../../operations/ports/shared-cache.ts';
import type { SharedCacheReading } from '../../telemetry/metrics-cache.ts';
import { makeBreaker } from './cache-breaker.ts';
import { makeReads, SLOW_MS } from './cache-reads.ts';
import { makeWrites } from './cache-writes.ts';
import { isAnsweredWithin } from './patience.ts';

const keyOf = (name: string): string => `counterfoil:cache:${name}`;

/** `reading`: how it fares, for metrics. */
export type RedisCache = SharedCache & { reading(): SharedCacheReading };

/**
 * A shared cache in Redis, over a connection of its own (it is closed with the cache). After a failure, or when
 * it answers slowly, Redis is left alone for a while, so that hardly a request waits for it in vain, and none
 * longer than 20 ms.
 *
 * @param deps.pauses of the breaker, in milliseconds, for tests
 */
export function makeRedisCache(deps: {
  redis: Redis;
  clock: { monotonic(): number };
  pauses?: { firstMs: number; maxMs: number };
}): RedisCache {
  const { redis } = deps;
  const breaker = makeBreaker({ ...deps, probe: () => probe(redis) });
  let failures = 0;
  const read = makeReads({
    ...deps,
    failed: () => {
      failures += 1;
      breaker.trip();
    },
  });
  const write = makeWrites({
    redis,
    failed: (writes) => {
      failures += writes;
    },
  });
  const isUsable = () => !breaker.isOpen() && redis.status === 'ready';

  return {
    reading: () => ({ isOpen: !isUsable(), failures }),
    async get(names) {
      return isUsable()
        ? Promise.all(names.map((name) => read(keyOf(name))))
        : names.map(() => undefined);
    },
    put(name, bytes, lifeMs) {
      const wholeMs = Math.floor(lifeMs);
      if (isUsable() && wholeMs > 0) write({ key: keyOf(name), bytes, lifeMs: wholeMs });
    },
    drop(names) {
      if (!isUsable()) return;
      for (const name of names) write({ key: keyOf(name) });
    },
    async close() {
      breaker.close();
      redis.disconnect();
    },
  };
}

/** Looks whether Redis answers again. A connection that only seems to be one is replaced. */
async function probe(redis: Redis): Promise<boolean> {
  if (redis.status !== 'ready') return false;
  const isWell = await isAnsweredWithin(redis.getrange(keyOf('probe'), 0, 0), SLOW_MS);
  if (!isWell && redis.status === 'ready') redis.disconnect(true);
  return isWell;
}
