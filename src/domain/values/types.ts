import type { Problem } from '../errors.ts';
import { compilePattern } from './pattern.ts';
import { COUNT_CAP, countPattern } from './pattern-count.ts';

/** What kind of value a field holds (DESIGN §5): decides what is accepted and the normal form. */
export type ValueType =
  | { kind: 'text' }
  | { kind: 'email' }
  | { kind: 'phone' }
  | { kind: 'card' }
  | { kind: 'iban' }
  | { kind: 'us-ssn' }
  | { kind: 'date' }
  /** `min` and `max` are inclusive. */
  | { kind: 'integer'; min?: bigint; max?: bigint }
  | { kind: 'uuid' }
  | { kind: 'digits'; minLength: number; maxLength: number }
  /** `matches` tests the whole text in linear time. */
  | { kind: 'pattern'; source: string; matches: (text: string) => boolean };

/**
 * The type as one text: two types accept the same values, in the same normal forms, when these are equal.
 * Patterns are compared as written.
 */
export function typeText(type: ValueType): string {
  switch (type.kind) {
    case 'integer':
      return `integer ${type.min ?? ''}..${type.max ?? ''}`;
    case 'digits':
      return `digits ${type.minLength}..${type.maxLength}`;
    case 'pattern':
      return `pattern ${type.source}`;
    default:
      return type.kind;
  }
}

/** The members of a field in the policy document that describe its type. */
type TypeInput = {
  type: string;
  length?: unknown;
  pattern?: unknown;
  min?: unknown;
  max?: unknown;
};

type Parsed = { type?: ValueType; problems: Problem[] };

/** One row per type: which options it takes, and how they become the type. */
type TypeRow = {
  options: readonly ('length' | 'pattern' | 'min' | 'max')[];
  parse: (input: TypeInput, path: string) => Parsed;
};

const MAX_DIGITS = 256;

const refuse = (path: string, rule: string, hint: string): Parsed => ({
  problems: [{ path, rule, hint }],
});

const plain = (type: ValueType): TypeRow => ({
  options: [],
  parse: () => ({ type, problems: [] }),
});

const TYPES = {
  text: plain({ kind: 'text' }),
  email: plain({ kind: 'email' }),
  phone: plain({ kind: 'phone' }),
  card: plain({ kind: 'card' }),
  iban: plain({ kind: 'iban' }),
  'us-ssn': plain({ kind: 'us-ssn' }),
  date: plain({ kind: 'date' }),
  integer: { options: ['min', 'max'], parse: parseInteger },
  uuid: plain({ kind: 'uuid' }),
  digits: { options: ['length'], parse: parseDigits },
  pattern: { options: ['pattern'], parse: parsePattern },
} as const satisfies Record<ValueType['kind'], TypeRow>;

const OPTIONS = ['length', 'pattern', 'min', 'max'] as const;

/**
 * Reads the type of a field from the policy document. `path` is the field's path; problems point to
 * the member below it. `type` is present exactly when there are no problems.
 */
export function parseValueType(input: TypeInput, path: string): Parsed {
  const row = findRow(input.type);
  if (row === undefined) {
    return refuse(`${path}.type`, 'type_unknown', `one of ${Object.keys(TYPES).join(', ')}`);
  }
  const problems: Problem[] = OPTIONS.filter(
    (option) => input[option] !== undefined && !row.options.includes(option),
  ).map((option) => ({
    path: `${path}.${option}`,
    rule: 'option_unfit',
    hint: 'this type has no such option',
  }));
  const parsed = row.parse(input, path);
  problems.push(...parsed.problems);
  return problems.length === 0 ? parsed : { problems };
}

/** `hasOwn`, because `constructor` and the like are no types. */
function findRow(name: string): TypeRow | undefined {
  return Object.hasOwn(TYPES, name) ? TYPES[name as keyof typeof TYPES] : undefined;
}

function parseDigits(input: TypeInput, path: string): Parsed {
  const [minLength, maxLength, ...rest]: unknown[] = Array.isArray(input.length)
    ? input.length
    : [input.length, input.length];
  if (rest.length > 0 || !isLength(minLength) || !isLength(maxLength) || minLength > maxLength) {
    const hint = `a number or [min, max], from 1 to ${MAX_DIGITS}`;
    return refuse(`${path}.length`, 'length_invalid', hint);
  }
  return { type: { kind: 'digits', minLength, maxLength }, problems: [] };
}

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_DIGITS;
}

function parsePattern({ pattern: source }: TypeInput, path: string): Parsed {
  const matches = typeof source === 'string' ? compilePattern(source) : undefined;
  if (typeof source !== 'string' || source === '' || matches === undefined) {
    return refuse(`${path}.pattern`, 'pattern_invalid', 'RE2 syntax, at most 1,000 characters');
  }
  return { type: { kind: 'pattern', source, matches }, problems: [] };
}

function parseInteger({ min, max }: TypeInput, path: string): Parsed {
  const problems = [checkBound(min, `${path}.min`), checkBound(max, `${path}.max`)].flat();
  if (problems.length > 0) {
    return { problems };
  }
  const type: ValueType = {
    kind: 'integer',
    ...(typeof min === 'number' && { min: BigInt(min) }),
    ...(typeof max === 'number' && { max: BigInt(max) }),
  };
  return type.min !== undefined && type.max !== undefined && type.min > type.max
    ? refuse(`${path}.min`, 'bound_invalid', 'min is at most max')
    : { type, problems: [] };
}

/** A bound is a safe integer: YAML numbers beyond that have lost digits already. */
function checkBound(value: unknown, path: string): Problem[] {
  return value === undefined || Number.isSafeInteger(value)
    ? []
    : [{ path, rule: 'bound_invalid', hint: 'a whole number within ±(2^53 − 1)' }];
}

/** A human life range in days: birth dates are few, whatever calendar they are written in. */
const LIFE_DAYS = 36_525;

/** Issuable areas × groups × serials (SSA): 001–899 without 666, 01–99, 0001–9999. */
const ISSUABLE_SSNS = 898 * 99 * 9999;

/**
 * Lower bound of the number of distinct values of a type at its nominal (shortest) length, capped at
 * 1e15; `Infinity` for text. What a deterministic field hides is worth no more than this count: the
 * policy refuses small ones (DESIGN §5).
 */
export function countValues(type: ValueType): number {
  switch (type.kind) {
    case 'text':
      return Number.POSITIVE_INFINITY;
    case 'email':
    case 'uuid':
      return COUNT_CAP;
    case 'phone':
      // Subscriber numbers of the larger numbering plans.
      return 1e9;
    case 'card':
      // 12 digits, one of which is the check digit.
      return 1e11;
    case 'iban':
      // The shortest (NO, 15 characters): 10 digits after bank check digit and check digits.
      return 1e10;
    case 'us-ssn':
      return ISSUABLE_SSNS;
    case 'date':
      return LIFE_DAYS;
    case 'integer':
      return countIntegers(type);
    case 'digits':
      return Math.min(10 ** type.minLength, COUNT_CAP);
    case 'pattern':
      return countPattern(type.source);
  }
}

function countIntegers({ min, max }: { min?: bigint; max?: bigint }): number {
  return min === undefined || max === undefined
    ? COUNT_CAP
    : Math.min(Number(max - min + 1n), COUNT_CAP);
}
