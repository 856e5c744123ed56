// The `min` metadata and possible lengths only: finer patterns of number ranges age faster than releases
// reach production, and a vault that refuses a customer's real number is worse than one that keeps a
// number nobody has.
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { invalidValue } from './invalid.ts';

/** ASCII digits and the separators people write; no letters, so no extensions and no parameters. */
const SHAPE = /^\+[0-9 ()./-]{3,40}$/;

/** E.164 (`+` and up to 15 digits). Needs the `+`: a vault has no home country to guess from. */
export function normalisePhone(raw: string): string {
  const text = raw.trim();
  const number = SHAPE.test(text)
    ? parsePhoneNumberFromString(text, { extract: false })
    : undefined;
  if (number === undefined || !number.isPossible()) {
    throw invalidValue('not_phone');
  }
  return number.number;
}
