import { invalidValue } from './invalid.ts';

/** ±(2^63 − 1): what databases call bigint, without the number that has no opposite. */
const LIMIT = 2n ** 63n - 1n;

/**
 * Decimal integer in its one canonical spelling: no plus, no leading zeros, no `-0`. Other spellings
 * are refused, not repaired: `007` is an identifier (type `digits`), and would come back as `7`.
 */
export function normaliseInteger(raw: string, bounds: { min?: bigint; max?: bigint }): string {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(raw)) {
    throw invalidValue('not_integer');
  }
  const value = BigInt(raw);
  if (value < (bounds.min ?? -LIMIT) || value > (bounds.max ?? LIMIT)) {
    throw invalidValue('out_of_range');
  }
  return raw;
}
