import { Counter, type Registry } from 'prom-client';
import { publishReading } from './read-gauge.ts';

const PREFIX = 'counterfoil_';
const LEVELS = ['memory', 'redis', 'store'] as const;
const RESULTS = ['hit', 'miss', 'error'] as const;

/** Where a token is looked for, from the nearest on. */
export type CacheLevel = (typeof LEVELS)[number];

/** How often each level had what was looked for. */
export type CacheCounts = {
  [level in CacheLevel]: { [result in (typeof RESULTS)[number]]: number };
};

/** What is known of the shared cache: whether it is left alone, and how often it failed. */
export type SharedCacheReading = { isOpen: boolean; failures: number };

/** What the caches of this instance do. */
export type CacheMetrics = {
  /** Counted up in place: a metric's own method costs a microsecond, which is as much as a look-up. */
  counts: CacheCounts;
  /** What this process remembers, read when scraped. */
  watchMemory: (read: () => { entries: number; bytes: number }) => void;
  /** The shared cache, read when scraped. */
  watchShared: (read: () => SharedCacheReading) => void;
};

/** Counts that begin at zero. */
export function makeCacheCounts(): CacheCounts {
  const none = () => ({ hit: 0, miss: 0, error: 0 });
  return { memory: none(), redis: none(), store: none() };
}

/** Makes the numbers of the caches. */
export function makeCacheMetrics(registers: Registry[]): CacheMetrics {
  const counts = makeCacheCounts();
  new Counter({
    name: `${PREFIX}cache_lookups_total`,
    help: 'Tokens that were looked for in a cache, or at last in the store, and what came of it.',
    labelNames: ['level', 'result'],
    registers,
    collect() {
      this.reset();
      for (const level of LEVELS) {
        for (const result of RESULTS) this.inc({ level, result }, counts[level][result]);
      }
    },
  });
  const gauge = (name: string, help: string, read: () => number) =>
    publishReading(registers, { name: `${PREFIX}${name}`, help, read });
  return {
    counts,
    watchMemory: (read) => {
      gauge('cache_entries', 'Entries of the in-process cache.', () => read().entries);
      gauge('cache_bytes', 'Size of the in-process cache, as it is counted.', () => read().bytes);
    },
    watchShared: (read) => {
      const isOpen = () => Number(read().isOpen);
      gauge(
        'cache_redis_left_alone',
        '1 while Redis is not asked, because it failed or was slow.',
        isOpen,
      );
      new Counter({
        name: `${PREFIX}cache_redis_failures_total`,
        help: 'Calls to Redis that failed, or were not answered in time.',
        registers,
        collect() {
          this.reset();
          this.inc(read().failures);
        },
      });
    },
  };
}
