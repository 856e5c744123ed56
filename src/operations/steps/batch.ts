import { ERRORS, type VaultError } from '../../domain/errors.ts';
import type { ItemError } from '../operation.ts';
import type { Clock } from '../ports/clock.ts';
import { asVaultError } from './audited.ts';
import type { Fate } from './events.ts';

/** A batch begins items for so long, in milliseconds, before other requests have their turn. */
const TURN_MS = 20;

/**
 * Runs each item of a batch as if it were alone and gathers their fates, in order. Values that are slow to
 * check or to draw for hold up their own batch, and not the whole process. Items fail on their own; only when every one of them failed because the service did (5xx) does the call itself fail, so
 * that a caller sees an outage as an outage.
 */
export async function eachItem<Item, Output>(
  clock: Pick<Clock, 'monotonic'>,
  items: readonly Item[],
  {
    run,
    fateOf,
  }: {
    run: (item: Item, index: number) => Promise<{ output: Output; fate: Fate }>;
    fateOf: (item: Item) => Fate;
  },
): Promise<{ fates: Fate[]; output: { items: (Output | ItemError)[] } }> {
  const settled = await settleInTurns(clock, items, run);
  const fates: Fate[] = [];
  const outputs: (Output | ItemError)[] = [];
  for (const [index, result] of settled.entries()) {
    if ('done' in result) {
      fates.push(result.done.fate);
      outputs.push(result.done.output);
    } else {
      const failure = asVaultError(result.error);
      const item = items[index];
      fates.push({ ...(item === undefined ? {} : fateOf(item)), failure });
      outputs.push(itemError(failure));
    }
  }
  const outage = fates.every(
    ({ failure }) => failure !== undefined && ERRORS[failure.code].status >= 500,
  );
  if (outage && fates[0]?.failure !== undefined) throw fates[0].failure;
  return { output: { items: outputs }, fates };
}

/** How an item ended. */
type Settled<Result> = { done: Result } | { error: unknown };

async function settleInTurns<Item, Result>(
  clock: Pick<Clock, 'monotonic'>,
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<Result>,
): Promise<Settled<Result>[]> {
  const begun: Promise<Settled<Result>>[] = [];
  let turnBeganAtMs = clock.monotonic();
  for (const [index, item] of items.entries()) {
    if (clock.monotonic() - turnBeganAtMs >= TURN_MS) {
      await new Promise(setImmediate);
      turnBeganAtMs = clock.monotonic();
    }
    // Settled at once: an item may fail before the last one has begun.
    begun.push(run(item, index).then(done, failed));
  }
  return Promise.all(begun);
}

const done = <Result>(result: Result): Settled<Result> => ({ done: result });
const failed = (error: unknown): Settled<never> => ({ error });

/** An item's failure as the caller sees it: constant texts of the error table. */
export function itemError({ code }: VaultError): ItemError {
  const { title, retryable } = ERRORS[code];
  return { error: { code, message: title, retryable } };
}
