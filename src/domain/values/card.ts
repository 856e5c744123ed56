import { invalidValue } from './invalid.ts';

/** Card number (ISO/IEC 7812-1): 12 to 19 ASCII digits with a Luhn check digit; spaces and hyphens dropped. */
export function normaliseCard(raw: string): string {
  const digits = raw.replace(/[ -]/g, '');
  if (!/^[0-9]{12,19}$/.test(digits)) {
    throw invalidValue('not_card');
  }
  if (!isLuhn(digits)) {
    throw invalidValue('luhn');
  }
  return digits;
}

/** ISO/IEC 7812-1 Annex B: from the right, every second digit doubled, its digits added. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += index % 2 === 0 ? digit : doubled;
  }
  return sum % 10 === 0;
}
