import { type CacheInstance, openCacheInstance, type Seams } from '../helpers/cache-instances.ts';
import { openReads } from '../helpers/cache-reads.ts';
import { makeTruth } from '../helpers/cache-truth.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import type { Scene } from './cache-load.ts';

/** Several instances, and a book of what they say. */
export type CacheCluster = Scene & {
  database: TestDatabase;
  instances: CacheInstance[];
  /** Starts one more, whose policy is in force for all when this resolves. */
  join(document: string): Promise<void>;
  close(): Promise<void>;
};

const START_WITHIN_MS = 30_000;
/** Bound of each instance's own memory. */
const MEMORY_BYTES = 1024 * 1024;

/** Starts instances on a database of their own; they share the cache in this Redis. */
export async function openCacheCluster(options: {
  redisUrl: string;
  count: number;
  /** 0: instances remember nothing by themselves. */
  maxBytes?: number;
  seams?: Seams;
}): Promise<CacheCluster> {
  const { redisUrl, count, maxBytes = MEMORY_BYTES, seams = {} } = options;
  const database = await createTestDatabase();
  const instances: CacheInstance[] = [];
  const start = async (documents?: readonly string[]) => {
    const open = () =>
      openCacheInstance({
        databaseUrl: database.serviceUrl,
        openReads: openReads({ redisUrl, maxBytes }),
        seams,
        ...(documents !== undefined && { documents }),
      });
    instances.push(await insist(open));
  };
  for (let more = 0; more < count; more += 1) await start();
  return {
    database,
    instances,
    join: (document) => start([document]),
    truth: makeTruth(),
    doors: instances.map(({ door }) => door),
    isPast: (atMs) => isPast(database, atMs),
    close: async () => {
      await Promise.all(instances.splice(0).map((instance) => instance.close()));
      await database.drop();
    },
  };
}

/** A start under load may be too late for the audit log, as for an operator: it is repeated. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + START_WITHIN_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
    }
  }
}

/** By the database's clock, which decides. */
export function isPast({ ownerUrl }: TestDatabase, atMs: number): Promise<boolean> {
  return withClient(ownerUrl, async (client) => {
    const text = 'select clock_timestamp() >= to_timestamp($1::float8 / 1000) as past';
    const { rows } = await client.query<{ past: boolean }>(text, [atMs]);
    return rows[0]?.past === true;
  });
}
