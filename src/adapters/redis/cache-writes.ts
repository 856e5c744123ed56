import type { Redis } from 'ioredis';
import { MAX_ENTRY_BYTES } from './cache-entries.ts';

/** Writes that may wait or be under way; beyond that they are forgotten. */
const MAX_WRITES = 2_048;

/** An entry to be put, or dropped where there are no bytes. */
type Write = { key: string; bytes?: Buffer; lifeMs?: number };

/**
 * Makes what changes entries. Nobody waits for it and nobody is told; those of one turn of the event loop share
 * a pipeline. A Redis that is full, or no primary, refuses: what it has can be read all the same.
 *
 * @param deps.failed told how many were refused or lost
 */
export function makeWrites(deps: {
  redis: Redis;
  failed: (writes: number) => void;
}): (write: Write) => void {
  const { redis, failed } = deps;
  let waiting: Write[] = [];
  let underWay = 0;

  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    underWay += batch.length;
    const pipeline = redis.pipeline();
    for (const { key, bytes, lifeMs = 0 } of batch) {
      if (bytes === undefined) pipeline.unlink(key);
      else pipeline.set(key, bytes, 'PX', lifeMs);
    }
    const replies = await pipeline.exec().catch(() => undefined);
    underWay -= batch.length;
    failed(replies?.filter(([error]) => error !== null).length ?? batch.length);
  }

  return (write) => {
    const isTooLong = write.bytes !== undefined && write.bytes.length > MAX_ENTRY_BYTES;
    if (isTooLong || waiting.length + underWay >= MAX_WRITES) return;
    if (waiting.push(write) === 1) setImmediate(() => void flush());
  };
}
