import { isValidIBAN } from 'ibantools';
import { invalidValue } from './invalid.ts';

/** ISO 13616: upper case without spaces; the country's length and structure, and mod 97, must fit. */
export function normaliseIban(raw: string): string {
  const compact = raw.replaceAll(' ', '');
  // ASCII before `toUpperCase`, which would turn `ı` and `ſ` into I and S.
  const text = /^[A-Za-z0-9]{15,34}$/.test(compact) ? compact.toUpperCase() : '';
  if (!isValidIBAN(text)) {
    throw invalidValue('not_iban');
  }
  return text;
}
