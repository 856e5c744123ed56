import type { Numerals } from '../domain/tokens/format.ts';
import { type Ff1Job, type Ff1Place, ff1Item } from './ff1.ts';
import type { Ff1Engine } from './ff1-engine.ts';

/** Permutes what one value or token gives to FF1. Rejects as `ff1Item` throws, and as the engine does. */
type Permute = (numerals: Numerals, place: Ff1Place) => Promise<number[]>;

type Gathered = Map<string, PromiseWithResolvers<number[]>>;

/**
 * Calls that are made in one turn of the event loop become one job, in which every distinct input is
 * permuted once.
 */
export function gatherFf1(engine: Ff1Engine, work: Omit<Ff1Job, 'items'>): Permute {
  let gathered: Gathered = new Map();

  const flush = async (): Promise<void> => {
    const waiting = [...gathered.values()];
    const items = [...gathered.keys()];
    gathered = new Map();
    try {
      const results = await engine.run({ ...work, items });
      for (const [index, { resolve }] of waiting.entries()) resolve(results[index] ?? []);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  };

  return async (numerals, place) => {
    const item = ff1Item(numerals, place);
    const known = gathered.get(item);
    if (known !== undefined) {
      // A copy: callers own what they get.
      return [...(await known.promise)];
    }
    if (gathered.size === 0) setImmediate(() => void flush());
    const result = Promise.withResolvers<number[]>();
    gathered.set(item, result);
    return result.promise;
  };
}
