import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { VaultError } from '../domain/errors.ts';
import { type Ff1Job, runFf1 } from './ff1.ts';

/** Threads load this module, as source or as built, and call its `runFf1`. */
const ENTRY = new URL(`./ff1.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
const IDLE_THREAD_MS = 10_000;
/** A smaller job is done sooner than a thread is woken: an item costs about 20 µs. */
const SPREAD_FROM = 64;
/** Items done without a pause: this thread has requests to answer. */
const SHARE = 32;
/** So that a thread has its next share when it is done with one, and this thread is busy. */
const SHARES_PER_THREAD = 2;
/** Items of all jobs together. */
const MAX_WAITING = 131_072;

/** Does the work of FF1, in this thread or in several. */
export type Ff1Engine = {
  /** As `runFf1`. Rejects with `overloaded` when too much is waiting already. */
  run(job: Ff1Job): Promise<number[][]>;
  /** Ends the threads. What they had not finished, and what comes later, is done in this thread. */
  close(): Promise<void>;
};

/**
 * Makes an engine. Threads begin with the first large job, end when they are idle, and keep no process
 * alive that has nothing else to do. Keys reach them as key objects: references, not bytes.
 */
export function makeFf1Engine({
  threads = Math.max(1, availableParallelism() - 1),
  maxWaiting = MAX_WAITING,
}: {
  threads?: number;
  maxWaiting?: number;
} = {}): Ff1Engine {
  let pool: Piscina | undefined;
  let isClosed = false;
  let waiting = 0;

  /** This thread and the others take shares off one list until it is empty. */
  const spread = async (job: Ff1Job): Promise<number[][]> => {
    const shares = sharesOf(job.items).entries();
    const results: number[][][] = [];
    const here = async (): Promise<void> => {
      for (const [index, items] of shares) {
        results[index] = runFf1({ ...job, items });
        await nextTurn();
      }
    };
    const inThread = async (): Promise<void> => {
      while (!isClosed) {
        const { value: share } = shares.next();
        if (share === undefined) return;
        pool ??= makePool(threads);
        const [index, items] = share;
        results[index] = await runInThread(pool, { ...job, items });
      }
    };
    const inThreads = Array.from({ length: threads * SHARES_PER_THREAD }, inThread);
    await Promise.all([...inThreads, here()]);
    return results.flat();
  };

  return {
    run: async (job) => {
      const { length } = job.items;
      if (waiting + length > maxWaiting) {
        throw new VaultError('overloaded', { detail: 'too much waits for FF1' });
      }
      waiting += length;
      try {
        return await (length < SPREAD_FROM ? runFf1(job) : spread(job));
      } finally {
        waiting -= length;
      }
    },
    close: async () => {
      isClosed = true;
      await pool?.close();
    },
  };
}

function sharesOf(items: readonly string[]): string[][] {
  const count = Math.ceil(items.length / SHARE);
  return Array.from({ length: count }, (_, n) => items.slice(n * SHARE, (n + 1) * SHARE));
}

function makePool(threads: number): Piscina<Ff1Job, number[][]> {
  const pool = new Piscina<Ff1Job, number[][]>({
    filename: ENTRY.href,
    name: runFf1.name,
    minThreads: 0,
    maxThreads: threads,
    concurrentTasksPerWorker: SHARES_PER_THREAD,
    idleTimeout: IDLE_THREAD_MS,
    // Threads need nothing of the environment, where passwords lie.
    env: {},
  });
  // A thread that dies while idle has nobody to tell; unheard, it would end the process.
  pool.on('error', () => {});
  return pool;
}

async function runInThread(pool: Piscina<Ff1Job, number[][]>, job: Ff1Job): Promise<number[][]> {
  try {
    return await pool.run(job);
  } catch {
    // The thread died, or `close` ended it: its share is done here. What FF1 itself refused fails again.
    return runFf1(job);
  }
}
