import type { Problem } from '../errors.ts';
import { findMembers, isRecord } from './read.ts';

type Row = { at: readonly string[]; when: (value: unknown) => boolean };

const oneOf =
  (...values: readonly string[]) =>
  (value: unknown) =>
    values.some((unbuilt) => unbuilt === value);
const isPresent = (value: unknown) => value !== undefined;
const isTrue = (value: unknown) => value === true;
const isSeveral = (value: unknown) => isRecord(value) && Number(value['n']) >= 2;

const FORMATS = oneOf(
  ...['card', 'us-ssn', 'email', 'phone', 'iban', 'digits', 'alphanumeric', 'custom'],
  ...['uuid', 'date', 'integer'],
);

/**
 * The parts of the policy format that parse and do not work yet. Whoever builds one deletes its row.
 * Loading a policy that names one is refused: a control that is silently ignored is worse than none.
 */
const UNBUILT: readonly Row[] = [
  { at: ['fields', '*', 'token', 'mode'], when: oneOf('fpe', 'siv', 'volatile') },
  { at: ['fields', '*', 'token', 'format'], when: FORMATS },
  { at: ['fields', '*', 'token', 'keepFirst'], when: isPresent },
  { at: ['fields', '*', 'token', 'keepLast'], when: isPresent },
  { at: ['fields', '*', 'token', 'luhn'], when: isPresent },
  { at: ['fields', '*', 'token', 'alphabet'], when: isPresent },
  { at: ['fields', '*', 'token', 'domain'], when: isPresent },
  { at: ['fields', '*', 'views', '*', 'mask'], when: oneOf('hash', 'range') },
  { at: ['fields', '*', 'retention', 'volatile'], when: isTrue },
  { at: ['fields', '*', 'retention', 'maxReveals'], when: isPresent },
  { at: ['roles', '*', '*', 'require', 'approval'], when: isSeveral },
  { at: ['roles', '*', '*', 'budget'], when: isPresent },
  { at: ['roles', '*', '*', 'breakGlass'], when: isTrue },
];

/** Every use of an unbuilt part in a policy document, whatever its shape; rule `not_built`. */
export function findUnbuilt(document: unknown): Problem[] {
  return UNBUILT.flatMap(({ at, when }) =>
    findMembers(document, at)
      .filter(({ value }) => when(value))
      .map(({ path }) => ({ path, rule: 'not_built', hint: 'this version cannot do this yet' })),
  );
}
