import type { ValueType } from '../values/types.ts';
import type { Ff1Codec, Numerals, TokenSpace } from './format.ts';
import { MAX_TOKEN_LENGTH } from './recognise.ts';
import { makeSlotCache } from './slot-cache.ts';
import { FREE } from './slots.ts';
import { type UnfitRule, unfitValue } from './unfit.ts';

/** Stay where they are in formats that replace character by character. */
export const SEPARATORS = ' -./()_+:';

/**
 * True for an alphabet of format `custom`: 2 to 93 printable ASCII characters, each once. Without the
 * space and `~`: a text that begins with one of these is no token of anybody's.
 */
export function isTokenAlphabet(text: string): boolean {
  return /^[!-}]{2,93}$/.test(text) && new Set(text).size === text.length;
}

/** How a free place is written where kept parts are described: no token can hold this character. */
const FREE_SIGN = '•';

/** Which characters are replaced, how many of them stay at each end, and how many must be free. */
export type CharacterRule = {
  alphabet: string;
  keepFirst: number;
  keepLast: number;
  minFree: number;
};

/** A text taken apart: free places, and the text around them. */
export type Parts = { text: string; free: readonly number[]; frame: string };

/** Takes a text apart; one that does not fit gives the rule that it breaks. */
export type Splitter = (text: string) => Parts | UnfitRule;

/** Characters of the alphabet are free but for the kept ones, separators stay, all else is unfit. */
export function makeSplitter(rule: CharacterRule): Splitter {
  const { alphabet, keepFirst, keepLast, minFree } = rule;
  const known = new Set(alphabet);
  const separators = new Set(SEPARATORS);
  return (text) => {
    if (text.length > MAX_TOKEN_LENGTH) {
      return 'too_long_for_format';
    }
    const places: number[] = [];
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (known.has(character)) {
        places.push(at);
      } else if (!separators.has(character)) {
        return 'format_unfit';
      }
    }
    const free = places.slice(keepFirst, Math.max(keepFirst, places.length - keepLast));
    return free.length < minFree
      ? 'too_short_for_format'
      : { text, free, frame: put(text, free, FREE) };
  };
}

/** The same, throwing `value_invalid`. */
export function splitValue(split: Splitter, value: string): Parts {
  const parts = split(value);
  if (typeof parts === 'string') {
    throw unfitValue(parts);
  }
  return parts;
}

/** The text with other characters at some places: one for all, or one for each. */
export function put(
  text: string,
  places: readonly number[],
  by: string | readonly string[],
): string {
  let result = '';
  let from = 0;
  for (const [index, at] of places.entries()) {
    result += text.slice(from, at) + (typeof by === 'string' ? by : (by[index] ?? ''));
    from = at + 1;
  }
  return result + text.slice(from);
}

/** Says what is kept, where, and where is nothing kept. */
export function describeKept(frame: string): string {
  return frame.replaceAll(FREE, FREE_SIGN);
}

/** The tokens of values by their splitter: every free place drawn anew. */
export function makeCharacterSpaces({
  alphabet,
  split,
}: {
  alphabet: string;
  split: Splitter;
}): (value: string) => TokenSpace {
  const slotsOf = makeSlotCache();
  return (value) => {
    const { free, frame } = splitValue(split, value);
    const space = slotsOf(`${frame.length}:${free.join()}`, () => ({
      length: frame.length,
      slots: free.map((at) => ({ at, alphabet })),
    }));
    return {
      kept: describeKept(frame),
      capacity: space.capacity,
      draw: (random, shard) => space.draw(frame, random, shard),
    };
  };
}

/** FF1 over the free places. `canBe` says whether a text has the outline of a token. */
export function makeCharacterCodec({
  alphabet,
  split,
  canBe,
}: {
  alphabet: string;
  split: Splitter;
  canBe: (text: string) => boolean;
}): Ff1Codec {
  const numeralsOf = ({ text, free, frame }: Parts): Numerals => ({
    radix: alphabet.length,
    digits: free.map((at) => alphabet.indexOf(text.charAt(at))),
    kept: describeKept(frame),
  });
  const replace = (text: string, digits: readonly number[]): string => {
    const { free } = splitValue(split, text);
    return put(
      text,
      free,
      digits.map((digit) => alphabet.charAt(digit)),
    );
  };
  return {
    ofValue: (value) => numeralsOf(splitValue(split, value)),
    toToken: replace,
    ofToken: (token) => {
      const parts = split(token);
      return typeof parts === 'string' || !canBe(token) ? undefined : numeralsOf(parts);
    },
    toValue: replace,
  };
}

/** Outlines of normal forms: `#` for each character that a format may replace. */
const OUTLINES: Partial<Record<ValueType['kind'], string>> = {
  'us-ssn': '#{3}-#{2}-#{4}',
  date: '#{4}-#{2}-#{2}',
  uuid: '#{8}(?:-#{4}){3}-#{12}',
  phone: '[+]#{3,20}',
  iban: '#{15,34}',
  integer: '-?#{1,19}',
};

/** Tests whether a text looks like a normal form of the type whose characters were replaced. */
export function makeOutline(type: ValueType, alphabet: string): (text: string) => boolean {
  const outline =
    type.kind === 'digits' ? `#{${type.minLength},${type.maxLength}}` : OUTLINES[type.kind];
  if (outline === undefined) {
    return () => true;
  }
  // A separator that is in the alphabet is replaced like any other character.
  const written = outline
    .replaceAll('[+]', alphabet.includes('+') ? '#' : '[+]')
    .replaceAll('-', alphabet.includes('-') ? '#' : '-');
  const pattern = new RegExp(`^${written}$`);
  const known = new Set(alphabet);
  return (text) =>
    pattern.test(
      Array.from(text, (character) => (known.has(character) ? '#' : character)).join(''),
    );
}
