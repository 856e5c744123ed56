import type { TokenFormat } from './format.ts';
import { makeRangeFormat } from './ranges.ts';

/** What counters of real systems do not reach, and what a bigint column holds. */
export const INTEGER_BOUNDS = { min: String(2n ** 62n), max: String(2n ** 63n - 1n) } as const;

const LIMIT = 2n ** 63n - 1n;

/** Where the texts of integers get shorter, lose their sign, get longer. */
const POWERS = Array.from({ length: 18 }, (_, index) => 10n ** BigInt(index + 1));
const CUTS = [...POWERS.toReversed().map((power) => 1n - power), 0n, ...POWERS];

/** The number that a canonical decimal text within ±(2^63 − 1) writes. */
export function readInteger(text: string): bigint | undefined {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(text)) {
    return undefined;
  }
  const number = BigInt(text);
  return number < -LIMIT || number > LIMIT ? undefined : number;
}

/** Format `integer`: whole numbers of a range, both ends included, in canonical decimal. */
export function makeIntegerFormat(bounds: {
  min: bigint;
  max: bigint;
}): Omit<TokenFormat, 'shape'> {
  const alphabetAt = (): string => '0123456789';
  const texts = { write: String, read: readInteger, cuts: CUTS, alphabetAt };
  return makeRangeFormat('integer', { ...bounds, ...texts });
}
