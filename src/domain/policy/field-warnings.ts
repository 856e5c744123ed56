import type { Problem } from '../errors.ts';
import { countValues } from '../values/types.ts';
import type { Field } from './policy.ts';
import { joinPath } from './read.ts';

/** Below this, equality gives a value away (NIST SP 800-38G r1). */
const MIN_VALUES = 1_000_000;
/** 16 of each shard, in which alone the tokens of a deterministic value lie. */
const MIN_TOKENS = 4_096n;

/** What a policy may say of a field, and its author may not have meant. */
export function warnOfField(field: Field): Problem[] {
  const path = joinPath('fields', [field.name]);
  return [...warnOfHash(field, path), ...warnOfCapacity(field, path)];
}

/** Equal digests tell as much as equal tokens do, and whoever fills any field can have them made. */
function warnOfHash({ views, type }: Field, path: string): Problem[] {
  const hint = `equal digests tell values of which there are fewer than ${MIN_VALUES.toLocaleString('en')}`;
  return [...views].flatMap(([name, { kind }]) =>
    kind === 'hash' && countValues(type) < MIN_VALUES
      ? [{ path: joinPath(path, ['views', name]), rule: 'values_too_few', hint }]
      : [],
  );
}

/** Of text and patterns the capacity is a lower bound only. */
function warnOfCapacity({ token, type }: Field, path: string): Problem[] {
  const isKnown = type.kind !== 'text' && type.kind !== 'pattern';
  const isTight = isKnown && token.mode === 'deterministic' && token.format.capacity < MIN_TOKENS;
  const hint = 'a value can have a 256th of the tokens of its kept part: some will have none';
  return isTight ? [{ path: `${path}.token`, rule: 'tokens_too_few', hint }] : [];
}
