import { COUNT_CAP } from '../values/pattern-count.ts';
import { countValues } from '../values/types.ts';
import { type CardOptions, fewestCardDigits, makeCardFormat } from './card.ts';
import { makeCharacterFormat, shortestLength } from './character-format.ts';
import { DATE_BOUNDS, makeDateFormat, readDay } from './date.ts';
import { makeEmailFormat, NO_DOMAIN } from './email.ts';
import { FF1_FLOOR } from './ff1-floor.ts';
import { type FormatInput, type MadeFormat, made, refused } from './format-row.ts';
import { INTEGER_BOUNDS, makeIntegerFormat, readInteger } from './integer.ts';
import { makeOpaqueFormat } from './opaque.ts';

const DIGITS = '0123456789';
const ALPHANUMERIC = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`;

export function makeOpaque({ token }: FormatInput): MadeFormat {
  const { prefix = 'tok' } = token;
  return made(makeOpaqueFormat(prefix), { prefix });
}

export function makeCard({ token, mode }: FormatInput): MadeFormat {
  const { keepFirst = 0, keepLast = 0, luhn = 'fail' } = token;
  const options: CardOptions = { keepFirst, keepLast, luhn };
  const isFf1 = mode === 'fpe';
  return isFf1 && 10 ** fewestCardDigits(options) < FF1_FLOOR
    ? tooFewForFf1()
    : made(makeCardFormat(options, isFf1), options);
}

export const makeDigits = (input: FormatInput): MadeFormat => makeCharacters(input, DIGITS);

export const makeAlphanumeric = (input: FormatInput): MadeFormat =>
  makeCharacters(input, ALPHANUMERIC);

export function makeCustom(input: FormatInput): MadeFormat {
  const { alphabet } = input.token;
  return alphabet === undefined
    ? refused('alphabet', 'required', 'the characters of the tokens, each once')
    : makeCharacters(input, alphabet);
}

function makeCharacters({ token, type, mode }: FormatInput, alphabet: string): MadeFormat {
  const { format: kind, keepFirst = 0, keepLast = 0 } = token;
  const kept = keepFirst + keepLast;
  const shortest = shortestLength(type) ?? Number.POSITIVE_INFINITY;
  if (shortest <= kept) {
    return refused('', 'nothing_free', 'the shortest value would be kept whole');
  }
  const isFf1 = mode === 'fpe';
  if (
    isFf1 &&
    isBelowFloor({
      type,
      permuted: alphabet.length ** (shortest - kept),
      divisor: alphabet.length ** kept,
    })
  ) {
    return tooFewForFf1();
  }
  const options = {
    ...(kind === 'custom' && { alphabet: JSON.stringify(alphabet) }),
    keepFirst,
    keepLast,
  };
  const spec = { kind, alphabet, keepFirst, keepLast, type, isFf1 };
  return made(makeCharacterFormat(spec), options);
}

/**
 * Neither may what FF1 permutes be tried through, nor the values themselves. Of a pattern only the number
 * of its values is known: each kept character divides it by the alphabet's size at most.
 */
function isBelowFloor({
  type,
  permuted,
  divisor,
}: {
  type: FormatInput['type'];
  permuted: number;
  divisor: number;
}): boolean {
  const values = countValues(type);
  const left = type.kind === 'pattern' && values < COUNT_CAP ? values / divisor : values;
  return permuted < FF1_FLOOR || left < FF1_FLOOR;
}

function tooFewForFf1(): MadeFormat {
  const hint = `FF1 must permute at least ${FF1_FLOOR.toLocaleString('en')} texts after kept characters`;
  return refused('', 'ff1_space_too_small', hint);
}

export function makeEmail({ token }: FormatInput): MadeFormat {
  const { domain = NO_DOMAIN } = token;
  return made(makeEmailFormat(domain === 'keep' ? undefined : domain), { domain });
}

export const makeDate = ({ token }: FormatInput): MadeFormat =>
  makeRange({ token, read: readDay, bounds: DATE_BOUNDS, make: makeDateFormat });

export const makeInteger = ({ token }: FormatInput): MadeFormat =>
  makeRange({ token, read: readInteger, bounds: INTEGER_BOUNDS, make: makeIntegerFormat });

function makeRange({
  token,
  read,
  bounds,
  make,
}: {
  token: FormatInput['token'];
  read: (text: string) => bigint | undefined;
  bounds: { min: string; max: string };
  make: (range: { min: bigint; max: bigint }) => Parameters<typeof made>[0];
}): MadeFormat {
  const texts = { min: String(token.min ?? bounds.min), max: String(token.max ?? bounds.max) };
  const min = read(texts.min);
  const max = read(texts.max);
  if (min === undefined || max === undefined) {
    const hint = `as in ${bounds.min}`;
    return refused(min === undefined ? 'min' : 'max', 'bound_invalid', hint);
  }
  return min > max
    ? refused('min', 'bound_invalid', `min is at most max (${texts.max})`)
    : made(make({ min, max }), texts);
}
