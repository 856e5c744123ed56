import { utf8Length } from '../utf8.ts';
import { normaliseCard } from './card.ts';
import { normaliseDate } from './date.ts';
import { normaliseEmail } from './email.ts';
import { normaliseIban } from './iban.ts';
import { normaliseInteger } from './integer.ts';
import { invalidValue } from './invalid.ts';
import { normalisePhone } from './phone.ts';
import type { ValueType } from './types.ts';
import { normaliseUsSsn } from './us-ssn.ts';

/**
 * The normal form of a value (DESIGN §5): what is fingerprinted, sealed and given back. Equal values
 * have equal normal forms, and a normal form is its own. `maxBytes` caps the raw text in UTF-8.
 * Throws `value_invalid` with one rule (`ValueRule`), and nothing else for any text; the error never
 * holds the value.
 */
export function normalise(type: ValueType, raw: string, maxBytes: number): string {
  checkText(type, raw, maxBytes);
  switch (type.kind) {
    case 'text':
      return raw;
    case 'email':
      return normaliseEmail(raw);
    case 'phone':
      return normalisePhone(raw);
    case 'card':
      return normaliseCard(raw);
    case 'iban':
      return normaliseIban(raw);
    case 'us-ssn':
      return normaliseUsSsn(raw);
    case 'date':
      return normaliseDate(raw);
    case 'integer':
      return normaliseInteger(raw, type);
    case 'uuid':
      return normaliseUuid(raw);
    case 'digits':
      return normaliseDigits(raw, type);
    case 'pattern':
      return normalisePattern(raw, type);
  }
}

/** What every type demands, before any other rule looks at the text: length first, so that no rule meets a long one. */
function checkText(type: ValueType, raw: string, maxBytes: number): void {
  if (raw === '') {
    throw invalidValue('empty');
  }
  // A UTF-16 unit is one to three bytes of UTF-8: most texts need no counting.
  if (raw.length > maxBytes || (raw.length * 3 > maxBytes && utf8Length(raw) > maxBytes)) {
    throw invalidValue('too_long');
  }
  if (!raw.isWellFormed()) {
    throw invalidValue('lone_surrogate');
  }
  if (type.kind !== 'text' && raw.includes('\0')) {
    throw invalidValue('nul');
  }
}

/** RFC 9562 §4 textual form in lower case; versions and variants are not judged. */
function normaliseUuid(raw: string): string {
  if (!/^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(raw)) {
    throw invalidValue('not_uuid');
  }
  return raw.toLowerCase();
}

function normaliseDigits(raw: string, type: { minLength: number; maxLength: number }): string {
  if (!/^[0-9]+$/.test(raw)) {
    throw invalidValue('not_digits');
  }
  if (raw.length < type.minLength || raw.length > type.maxLength) {
    throw invalidValue('length');
  }
  return raw;
}

function normalisePattern(raw: string, type: { matches: (text: string) => boolean }): string {
  if (!type.matches(raw)) {
    throw invalidValue('pattern');
  }
  return raw;
}
