import { VaultError } from '../errors.ts';

/** Why a value that is fine for its field cannot have a token of the field's format. */
export type UnfitRule = 'format_unfit' | 'too_short_for_format' | 'too_long_for_format';

/** `value_invalid`: place and rule, never the value or part of it. */
export function unfitValue(rule: UnfitRule): VaultError {
  return new VaultError('value_invalid', { problems: [{ path: '/value', rule }] });
}
