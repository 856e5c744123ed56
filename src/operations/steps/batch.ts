import { ERRORS, type VaultError } from '../../domain/errors.ts';
import { type Settled, type Soon, settle, whenThere } from '../../domain/soon.ts';
import type { ItemError } from '../operation.ts';
import type { Clock } from '../ports/clock.ts';
import { asVaultError } from './audited.ts';
import type { Fate } from './events.ts';

/** A batch begins items for so long, in milliseconds, before other requests have their turn. */
const TURN_MS = 20;

/** Work that has its turns with that of other requests. */
export type Turns = {
  /** True when it is for the others. */
  isOver: () => boolean;
  next: () => Promise<void>;
};

/** Turns, of which the first begins now. */
export function makeTurns(clock: Pick<Clock, 'monotonic'>): Turns {
  let beganAtMs = clock.monotonic();
  return {
    isOver: () => clock.monotonic() - beganAtMs >= TURN_MS,
    next: async () => {
      await new Promise(setImmediate);
      beganAtMs = clock.monotonic();
    },
  };
}

/**
 * Runs each item of a batch as if it were alone and gathers their fates, in order. Values that are slow to
 * check or to draw for hold up their own batch, and not the whole process. Items fail on their own; only when
 * every one of them failed because the service did (5xx) does the call itself fail, so that a caller sees an
 * outage as an outage. `turns`: those of what the batch has done already.
 */
export async function eachItem<Item, Output>(
  clock: Pick<Clock, 'monotonic'>,
  items: readonly Item[],
  {
    run,
    fateOf,
    turns = makeTurns(clock),
  }: {
    run: (item: Item, index: number) => Soon<{ output: Output; fate: Fate }>;
    fateOf: (item: Item) => Fate;
    turns?: Turns;
  },
): Promise<{ fates: Fate[]; output: { items: (Output | ItemError)[] } }> {
  const settled = await inTurns(turns, items, run);
  const fates: Fate[] = [];
  const outputs: (Output | ItemError)[] = [];
  settled.forEach((result, index) => {
    if ('done' in result) {
      fates.push(result.done.fate);
      outputs.push(result.done.output);
    } else {
      const failure = asVaultError(result.error);
      const item = items[index];
      fates.push({ ...(item === undefined ? {} : fateOf(item)), failure });
      outputs.push(itemError(failure));
    }
  });
  const outage = fates.every(
    ({ failure }) => failure !== undefined && ERRORS[failure.code].status >= 500,
  );
  if (outage && fates[0]?.failure !== undefined) throw fates[0].failure;
  return { output: { items: outputs }, fates };
}

/** Runs each item, in order, and resolves when all have ended; never rejects. Others have their turns between. */
export async function inTurns<Item, Result>(
  turns: Turns,
  items: readonly Item[],
  run: (item: Item, index: number) => Soon<Result>,
): Promise<Settled<Result>[]> {
  const settled: Settled<Result>[] = new Array(items.length);
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index] as Item;
    if (turns.isOver()) await turns.next();
    try {
      // Listened to at once: an item may fail before the last one has begun.
      const stored = whenThere(settle(run(item, index)), (one) => {
        settled[index] = one;
      });
      if (stored instanceof Promise) underWay.push(stored);
    } catch (error) {
      settled[index] = { error };
    }
  }
  await Promise.all(underWay);
  return settled;
}

/** An item's failure as the caller sees it: constant texts of the error table. */
export function itemError({ code }: VaultError): ItemError {
  const { title, retryable } = ERRORS[code];
  return { error: { code, message: title, retryable } };
}
