import type { KeyObject } from 'node:crypto';
import { VaultError } from '../domain/errors.ts';
import type { Numerals } from '../domain/tokens/format.ts';
import { sha256 } from './digest.ts';
import { isNumeralString, permuteFf1 } from './ff1-permutation.ts';
import { frame } from './framing.ts';
import { SecretKey } from './secret.ts';

/** Below it the whole domain can be tried out (SP 800-38G r1 §5.1). */
const MIN_DOMAIN = 1_000_000;
/** Effort grows with the square of the length. */
const MAX_NUMERALS = 256;
const TWEAK_BYTES = 16;

/** FF1's tweak, but for vault, key version and kept characters (DESIGN §6). */
export type Ff1Place = { fieldId: number; scope: string };

/** Work for FF1: a key object and texts, which are handed to another thread at little cost. */
export type Ff1Job = {
  direction: 'encrypt' | 'decrypt';
  key: KeyObject;
  vaultId: number;
  version: number;
  /** From `ff1Item`. */
  items: readonly string[];
};

type ItemParts = [fieldId: number, scope: string, radix: number, kept: string, digits: number[]];

/**
 * One input as text; equal for equal inputs only. Throws `value_invalid` unless FF1 may permute it: at least
 * 1,000,000 texts of this length and radix, at most 256 numerals.
 */
export function ff1Item(numerals: Numerals, { fieldId, scope }: Ff1Place): string {
  checkNumerals(numerals);
  const { radix, kept, digits } = numerals;
  return JSON.stringify([fieldId, scope, radix, kept, [...digits]] satisfies ItemParts);
}

/** Refuses before a job is made: one that FF1 refused would take those that it was gathered with along. */
function checkNumerals(numerals: Numerals): void {
  const { radix, digits } = numerals;
  if (digits.length > MAX_NUMERALS) {
    throw unfit('too_long');
  }
  if (radix ** digits.length < MIN_DOMAIN) {
    throw unfit('too_short_for_format');
  }
  if (!isNumeralString(numerals)) {
    throw new VaultError('internal', { detail: 'a numeral lies outside its radix' });
  }
}

function unfit(rule: string): VaultError {
  return new VaultError('value_invalid', { problems: [{ path: '/value', rule }] });
}

/** Permutes all items of a job in the thread that it is called in; results in their order. */
export function runFf1({ direction, key, vaultId, version, items }: Ff1Job): number[][] {
  const inputs = items.map((item) => {
    const [fieldId, scope, radix, kept, digits]: ItemParts = JSON.parse(item);
    const parts = ['counterfoil/fpe/v1', vaultId, fieldId, scope, version, kept];
    const tweak = sha256(frame(parts)).subarray(0, TWEAK_BYTES);
    return { direction, tweak, radix, digits };
  });
  return permuteFf1(SecretKey.from(key).keyObject(), inputs);
}
