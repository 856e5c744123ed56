import type { Problem } from '../errors.ts';
import { findMembers, isRecord } from './read.ts';

type Row = { at: readonly string[]; when: (value: unknown) => boolean };

const isTrue = (value: unknown) => value === true;
const isSeveral = (value: unknown) => isRecord(value) && Number(value['n']) >= 2;

/**
 * The parts of the policy format that parse and do not work yet. Whoever builds one deletes its row.
 * Loading a policy that names one is refused: a control that is silently ignored is worse than none.
 */
const UNBUILT: readonly Row[] = [
  { at: ['roles', '*', '*', 'require', 'approval'], when: isSeveral },
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
