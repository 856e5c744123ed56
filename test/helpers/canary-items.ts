import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { CanaryKind } from './canary-values.ts';
import { DEMO_POLICY } from './operations.ts';

type Make = (kind: CanaryKind) => string;

/**
 * The demo policy with what it does not have: values of any length in memory only, with a limited number of
 * reveals, and somebody who may search.
 */
export function canaryPolicy(): string {
  const otp = `  otp:
    class: sensitive
    type: text
    token: { mode: volatile, prefix: otp }
    retention: { ttl: 1h, maxReveals: 50 }
`;
  const searching = `
  privacy:
    - allow: [token.search]
      fields: "*"`;
  return readFileSync(DEMO_POLICY, 'utf8')
    .replace('\nroles:\n', `${otp}\nroles:\n`)
    .replace(/\n {2}privacy:.*/, searching);
}

/** Fields of that vault, and the kinds of canary that are valid in each. */
export const VALID_KINDS = {
  email: ['email'],
  phone: ['phone'],
  pan: ['pan'],
  ssn: ['ssn'],
  loyalty: ['loyalty'],
  iban: ['iban'],
  name: ['name', 'unicode', 'pan', 'ssn'],
  note: ['note', 'unicode', 'email', 'iban'],
  customerId: ['customerId'],
  otp: ['plain', 'unicode'],
} as const satisfies Record<string, readonly CanaryKind[]>;

export type FieldName = keyof typeof VALID_KINDS;

export const VALID_PAIRS = Object.entries(VALID_KINDS).flatMap(([field, kinds]) =>
  kinds.map((kind) => ({ field: field as FieldName, kind })),
);

/** One item of tokenize, with all that its field takes. */
export type Item = {
  field: string;
  value: string;
  subject?: string;
  metadata?: { [name: string]: unknown };
  expiresAt?: string;
};

/** Of computed tokens nothing is stored, so nothing can be stored with them. */
const VAULTLESS: readonly string[] = ['loyalty', 'note'];
/** Random fields keep the answer of a call with an Idempotency-Key. */
const REPEATABLE: readonly string[] = ['name', 'iban'];
/** Fields whose values have one token each, which can be asked for. */
const FINDABLE: readonly string[] = ['email', 'phone', 'pan', 'ssn', 'customerId', ...VAULTLESS];

export const isStored = (field: string): boolean => field !== 'otp' && !VAULTLESS.includes(field);
export const isVolatile = (field: string): boolean => field === 'otp';
export const isRepeatable = (field: string): boolean => REPEATABLE.includes(field);
export const isFindable = (field: string): boolean => FINDABLE.includes(field);

/** A valid item. Its metadata has a tag, and secrets deep down and in names. */
export function validItem(make: Make, field: FieldName, kind: CanaryKind): Item {
  const value = make(kind);
  if (VAULTLESS.includes(field)) return { field, value };
  const metadata = {
    [make('identifier')]: make('plain'),
    [make('email')]: { [make('identifier')]: [make('note'), make('pan')] },
  };
  return { field, value, metadata, ...(isVolatile(field) ? {} : { subject: make('plain') }) };
}

/** The first tag of an item's metadata. */
export function tagOf({ metadata = {} }: Item): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(metadata).slice(0, 1));
}

/** Which positions of a value its token keeps, by field; none of the others do. */
const KEPT: Record<string, (at: number, length: number) => boolean> = {
  pan: (at, length) => at < 6 || at >= length - 4,
  loyalty: (at, length) => at >= length - 4,
  // The plus sign and the country code.
  phone: (at) => at < 2,
  iban: (at) => at < 2,
};

/**
 * What a token shows of its value, in a field whose tokens are as long as their values: whether all that the
 * format keeps is there, and at how many of how many other places the two agree.
 */
function shownOf(
  field: string,
  { value, token }: { value: string; token: string },
): { keepsItsParts: boolean; agreeing: number; free: number } | undefined {
  const isKept = KEPT[field];
  if (isKept === undefined) return undefined;
  const places = Array.from(value, (character, at) => ({
    isKept: isKept(at, value.length),
    isSame: token[at] === character,
  }));
  const free = places.filter((place) => !place.isKept);
  return {
    keepsItsParts:
      token.length === value.length && places.every((place) => !place.isKept || place.isSame),
    agreeing: free.filter(({ isSame }) => isSame).length,
    free: free.length,
  };
}

/**
 * Fails when tokens keep other parts of their values than their formats say, or agree with them elsewhere more
 * often than chance lets them. `forms`: the spellings of the value, its normal form among them.
 */
export function checkShown(
  tokens: readonly { field: string; token: string; forms: readonly string[] }[],
): void {
  const counts = new Map<string, { agreeing: number; free: number }>();
  for (const { field, token, forms } of tokens) {
    const value = forms.find((form) => form.length === token.length) ?? '';
    const shown = shownOf(field, { value, token });
    if (shown === undefined) continue;
    assert.ok(shown.keepsItsParts, `a token of ${field} keeps other parts`);
    const { agreeing, free } = counts.get(field) ?? { agreeing: 0, free: 0 };
    counts.set(field, { agreeing: agreeing + shown.agreeing, free: free + shown.free });
  }
  assert.deepEqual([...counts.keys()].sort(), Object.keys(KEPT).sort());
  for (const [field, { agreeing, free }] of counts) {
    // One in ten agrees, with a deviation of sqrt(0.09 n); six deviations are one run in 10^9.
    const limit = free / 10 + 6 * Math.sqrt(0.09 * free);
    assert.ok(free > 100 && agreeing < limit, `${field}: ${agreeing} of ${free} agree`);
  }
}
