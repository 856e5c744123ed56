import type { Problem } from '../errors.ts';
import type { ValueType } from '../values/types.ts';
import { rangeOf } from './range.ts';

/** How much of a value a view shows (DESIGN §5). */
export type Mask =
  | { kind: 'keep'; first: number; last: number }
  | { kind: 'email' }
  | { kind: 'initials' }
  | { kind: 'year' }
  | { kind: 'redact' }
  /** A keyed digest: the same for equal values of the vault, for joining without seeing. */
  | { kind: 'hash' }
  /** The bucket that an integer, or the year of a date, lies in. */
  | { kind: 'range'; width: number };

type Parsed = { mask?: Mask; problems: Problem[] };

type Place = { path: string; type: ValueType };

/** One row per mask name: its options, the types that it fits (absent: all), and how it is read. */
type MaskRow = {
  options: readonly string[];
  types?: readonly ValueType['kind'][];
  parse: (input: Record<string, unknown>, place: Place) => Parsed;
};

/** More than this is no mask; it also keeps sums far from overflow. */
const MAX_KEPT = 64;

const plain = (mask: Mask, types?: readonly ValueType['kind'][]): MaskRow => ({
  options: [],
  ...(types && { types }),
  parse: () => ({ mask, problems: [] }),
});

const MASKS = {
  keep: { options: ['first', 'last'], parse: parseKeep },
  email: plain({ kind: 'email' }, ['email']),
  initials: plain({ kind: 'initials' }, ['text']),
  year: plain({ kind: 'year' }, ['date']),
  redact: plain({ kind: 'redact' }),
  hash: plain({ kind: 'hash' }),
  range: { options: ['width'], types: ['integer', 'date'], parse: parseRange },
} as const satisfies Record<Mask['kind'], MaskRow>;

const refuse = (path: string, rule: string, hint: string): Parsed => ({
  problems: [{ path, rule, hint }],
});

/**
 * Reads one view of a field (`{mask: keep, last: 4}`) from the policy document. `mask` is present
 * exactly when there are no problems. Unknown members, bad counts and masks that do not fit the
 * field's type are problems.
 */
export function parseMask(input: unknown, type: ValueType, path: string): Parsed {
  if (!isRecord(input)) {
    return refuse(path, 'mask_invalid', 'a mapping with the member mask');
  }
  const row = findRow(input['mask']);
  if (row === undefined) {
    return refuse(`${path}.mask`, 'mask_unknown', `one of ${Object.keys(MASKS).join(', ')}`);
  }
  const problems: Problem[] = Object.keys(input)
    .filter((key) => key !== 'mask' && !row.options.includes(key))
    .map((key) => ({ path: `${path}.${key}`, rule: 'unknown_key' }));
  if (row.types !== undefined && !row.types.includes(type.kind)) {
    const hint = `only on fields of type ${row.types.join(', ')}`;
    problems.push({ path: `${path}.mask`, rule: 'mask_unfit', hint });
  }
  const parsed = row.parse(input, { path, type });
  problems.push(...parsed.problems);
  return problems.length === 0 ? parsed : { problems };
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function findRow(name: unknown): MaskRow | undefined {
  return typeof name === 'string' && Object.hasOwn(MASKS, name)
    ? MASKS[name as keyof typeof MASKS]
    : undefined;
}

function parseKeep({ first = 0, last = 0 }: Record<string, unknown>, { path }: Place): Parsed {
  const problems: Problem[] = [];
  for (const [name, count] of Object.entries({ first, last })) {
    if (!isCount(count)) {
      const hint = `a whole number from 0 to ${MAX_KEPT}`;
      problems.push({ path: `${path}.${name}`, rule: 'count_invalid', hint });
    }
  }
  return isCount(first) && isCount(last)
    ? { mask: { kind: 'keep', first, last }, problems }
    : { problems };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_KEPT;
}

/** A bucket of one integer would be the value itself; a bucket of one year still hides month and day. */
function parseRange({ width }: Record<string, unknown>, { path, type }: Place): Parsed {
  const least = type.kind === 'date' ? 1 : 2;
  return Number.isSafeInteger(width) && Number(width) >= least
    ? { mask: { kind: 'range', width: Number(width) }, problems: [] }
    : refuse(`${path}.width`, 'count_invalid', `a whole number from ${least}`);
}

const DOT = '•';
const DOTS = DOT.repeat(3);

/**
 * Shows the part of a normalised value that the mask allows. Never throws, whatever the value, unless
 * `join` does.
 *
 * @param shown.join the keyed digest that mask `hash` shows: equal for equal values of the vault
 */
export function applyMask(shown: {
  mask: Mask;
  value: string;
  join: (value: string) => string;
}): string {
  const { mask, value, join } = shown;
  switch (mask.kind) {
    case 'keep':
      return keep(value, mask);
    case 'email':
      return maskEmail(value);
    case 'initials':
      return initials(value);
    case 'year':
      return year(value);
    case 'redact':
      return DOTS;
    case 'hash':
      return join(value);
    case 'range':
      return rangeOf(value, mask.width) ?? DOTS;
  }
}

/** Counted in code points: a count of UTF-16 units would cut an astral character into a lone surrogate. */
function keep(value: string, { first, last }: { first: number; last: number }): string {
  const characters = Array.from(value);
  const hidden = characters.length - first - last;
  if (hidden <= 0) {
    return DOT.repeat(characters.length);
  }
  const shown = (from: number, to: number) => characters.slice(from, to).join('');
  return shown(0, first) + DOT.repeat(hidden) + shown(first + hidden, characters.length);
}

/** First character, exactly three dots (the length stays hidden), domain. No `@`: everything hidden. */
function maskEmail(value: string): string {
  const at = value.lastIndexOf('@');
  const first = Array.from(value.slice(0, Math.max(at, 0)))[0];
  return first === undefined ? DOTS : `${first}${DOTS}${value.slice(at)}`;
}

/**
 * `Ada Lovelace` → `A. L.`. Words without a letter have no initial. Accents written as marks of their
 * own stay with their letter, but few of them: a mask must not carry a hidden text along.
 */
function initials(value: string): string {
  const found = value.split(/\s+/u).map((word) => /\p{L}\p{M}{0,2}/u.exec(word)?.[0].toUpperCase());
  return (
    found
      .filter((letter) => letter !== undefined)
      .map((letter) => `${letter}.`)
      .join(' ') || DOTS
  );
}

function year(value: string): string {
  return /^(\d{4})-\d{2}-\d{2}$/.exec(value)?.[1] ?? DOTS;
}
