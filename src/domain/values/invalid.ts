import { VaultError } from '../errors.ts';

/** Why a value was refused. Stable words that clients may act on; they say nothing of the value. */
export type ValueRule =
  | 'empty'
  | 'too_long'
  | 'nul'
  | 'lone_surrogate'
  | 'not_email'
  | 'not_phone'
  | 'not_card'
  | 'luhn'
  | 'not_iban'
  | 'not_ssn'
  | 'not_date'
  | 'not_integer'
  | 'out_of_range'
  | 'not_uuid'
  | 'not_digits'
  | 'length'
  | 'pattern';

/** The only error that this folder throws: code, place and rule, never the value or part of it. */
export function invalidValue(rule: ValueRule): VaultError {
  return new VaultError('value_invalid', { problems: [{ path: '/value', rule }] });
}
