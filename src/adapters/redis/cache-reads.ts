import type { Redis } from 'ioredis';
import { MAX_ENTRY_BYTES } from './cache-entries.ts';
import { isAnsweredWithin } from './patience.ts';

/** What takes longer has no answer: the store itself is hardly slower. */
const PATIENCE_MS = 20;
/** An average answer beyond this makes requests slower than they are without a cache. */
export const SLOW_MS = 10;
/** Answers that the average is taken over, more or less. */
const AVERAGED = 16;
/** Keys of one pipeline. */
const MAX_AT_ONCE = 512;
/** Keys that may wait for a pipeline. */
const MAX_WAITING = 2_048;

type Asked = { key: string; answer: (bytes: Buffer | undefined) => void };

/**
 * Makes what reads entries. Calls of one turn of the event loop share a pipeline. What is not there, too long,
 * of another type or not answered in time is `undefined`; it never rejects.
 *
 * @param deps.failed told of each pipeline that failed, or by which Redis has become slow
 */
export function makeReads(deps: {
  redis: Redis;
  clock: { monotonic(): number };
  failed: () => void;
}): (key: string) => Promise<Buffer | undefined> {
  const { redis, clock, failed } = deps;
  let asked: Asked[] = [];
  let averageMs = 0;

  function flush(): void {
    const all = asked;
    asked = [];
    for (let at = 0; at < all.length; at += MAX_AT_ONCE) {
      void read(all.slice(at, at + MAX_AT_ONCE));
    }
  }

  async function read(batch: readonly Asked[]): Promise<void> {
    const startedMs = clock.monotonic();
    const pipeline = redis.pipeline();
    // Not MGET: that would send whatever somebody has put there, of any length.
    for (const { key } of batch) pipeline.getrangeBuffer(key, 0, MAX_ENTRY_BYTES);
    const replies = pipeline.exec();
    const isAnswered = await isAnsweredWithin(replies, PATIENCE_MS);
    const answers = isAnswered ? ((await replies) ?? []) : [];
    averageMs += (clock.monotonic() - startedMs - averageMs) / AVERAGED;
    const isFaulty = answers.some(([error]) => error !== null && !isOfValue(error));
    if (!isAnswered || isFaulty || averageMs > SLOW_MS) {
      averageMs = 0;
      failed();
    }
    for (const [index, { answer }] of batch.entries()) answer(entryOf(answers[index]?.[1]));
  }

  return (key) =>
    new Promise((answer) => {
      if (asked.length >= MAX_WAITING) {
        answer(undefined);
        return;
      }
      if (asked.push({ key, answer }) === 1) setImmediate(flush);
    });
}

/** The fault of what is stored under that key, not of Redis. */
function isOfValue(error: Error): boolean {
  return error.message.startsWith('WRONGTYPE');
}

/** Nothing is the empty string; what is longer than an entry by a byte is none. */
function entryOf(reply: unknown): Buffer | undefined {
  const isEntry = Buffer.isBuffer(reply) && reply.length > 0 && reply.length <= MAX_ENTRY_BYTES;
  return isEntry ? reply : undefined;
}
