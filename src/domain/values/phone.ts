// The `min` metadata and possible lengths only: finer patterns of number ranges age faster than releases
// reach production, and a vault that refuses a customer's real number is worse than one that keeps a
// number nobody has.
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { invalidValue } from './invalid.ts';

/** ASCII digits and the separators people write; no letters, so no extensions and no parameters. */
const SHAPE = /^\+[0-9 ()./-]{3,40}$/;

/** More than there are digits to drop. */
const MAX_READINGS = 20;

/**
 * E.164 (`+` and up to 15 digits). Needs the `+`: a vault has no home country to guess from.
 *
 * Read again until it stays as it is: a zero that is dropped as a trunk prefix may leave another one to be
 * dropped, and a value with two normal forms would have two fingerprints.
 */
export function normalisePhone(raw: string): string {
  let text = raw.trim();
  for (let readings = 0; readings < MAX_READINGS; readings += 1) {
    const number = SHAPE.test(text)
      ? parsePhoneNumberFromString(text, { extract: false })
      : undefined;
    if (number === undefined || !number.isPossible()) {
      throw invalidValue('not_phone');
    }
    if (number.number === text) {
      return text;
    }
    text = number.number;
  }
  throw invalidValue('not_phone');
}
