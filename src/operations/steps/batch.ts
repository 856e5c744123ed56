import { ERRORS, type VaultError } from '../../domain/errors.ts';
import type { ItemError } from '../operation.ts';
import { asVaultError } from './audited.ts';
import type { Fate } from './events.ts';

/**
 * Runs each item of a batch as if it were alone and gathers their fates, in order. Items fail on their
 * own; only when every one of them failed because the service did (5xx) does the call itself fail, so
 * that a caller sees an outage as an outage.
 */
export async function eachItem<Item, Output>(
  items: readonly Item[],
  run: (item: Item) => Promise<{ output: Output; fate: Fate }>,
  fateOf: (item: Item) => Fate,
): Promise<{ fates: Fate[]; output: { items: (Output | ItemError)[] } }> {
  const settled = await Promise.allSettled(items.map(run));
  const fates: Fate[] = [];
  const outputs: (Output | ItemError)[] = [];
  for (const [index, result] of settled.entries()) {
    if (result.status === 'fulfilled') {
      fates.push(result.value.fate);
      outputs.push(result.value.output);
    } else {
      const failure = asVaultError(result.reason);
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

/** An item's failure as the caller sees it: constant texts of the error table. */
function itemError({ code }: VaultError): ItemError {
  const { title, retryable } = ERRORS[code];
  return { error: { code, message: title, retryable } };
}
