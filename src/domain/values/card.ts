import { invalidValue } from './invalid.ts';
import { luhnSum } from './luhn.ts';

/** Card number (ISO/IEC 7812-1): 12 to 19 ASCII digits with a Luhn check digit; spaces and hyphens dropped. */
export function normaliseCard(raw: string): string {
  const digits = raw.replace(/[ -]/g, '');
  if (!/^[0-9]{12,19}$/.test(digits)) {
    throw invalidValue('not_card');
  }
  if (luhnSum(digits) !== 0) {
    throw invalidValue('luhn');
  }
  return digits;
}
