import { luhnSum } from '../values/luhn.ts';
import {
  describeKept,
  makeSplitter,
  type Parts,
  put,
  type Splitter,
  splitValue,
} from './characters.ts';
import { fewestCharacters } from './ff1-floor.ts';
import type { Ff1Codec, Numerals, TokenFormat } from './format.ts';
import { makeSlotCache } from './slot-cache.ts';
import { settleLuhn } from './slots.ts';

const DIGITS = '0123456789';
const CARD = /^[0-9]{12,19}$/;
/** Shorter numbers keep only their last digits: with the first ones, too few would be free. */
const FULL_LENGTH = 16;
const SHORTEST = 12;

export type CardOptions = { keepFirst: number; keepLast: number; luhn: 'fail' | 'pass' | 'any' };

/** Digits that FF1 permutes, or that can be drawn, of the card number with the fewest of them. */
export function fewestCardDigits({ keepFirst, keepLast, luhn }: CardOptions): number {
  const free = Math.min(SHORTEST - keepLast, FULL_LENGTH - keepFirst - keepLast);
  return luhn === 'any' ? free : free - 1;
}

/** Format `card`: first and last digits stay, and the Luhn sum says whether it could be a card. */
export function makeCardFormat(options: CardOptions, isFf1: boolean): Omit<TokenFormat, 'shape'> {
  const { keepFirst, keepLast, luhn } = options;
  const minFree = isFf1 ? fewestCharacters(10) + (luhn === 'any' ? 0 : 1) : 1;
  const whole = makeSplitter({ alphabet: DIGITS, keepFirst, keepLast, minFree });
  const short = makeSplitter({ alphabet: DIGITS, keepFirst: 0, keepLast, minFree });
  const split: Splitter = (text) => {
    if (!CARD.test(text)) {
      return 'format_unfit';
    }
    return text.length < FULL_LENGTH ? short(text) : whole(text);
  };
  const slotsOf = makeSlotCache();
  const isOfRule = (text: string): boolean =>
    luhn === 'any' || (luhnSum(text) === 0) === (luhn === 'pass');
  const capacity = BigInt(luhn === 'fail' ? 9 : 1) * 10n ** BigInt(fewestCardDigits(options));
  return {
    kind: 'card',
    isSmall: true,
    capacity,
    matches: (text) => typeof split(text) !== 'string' && isOfRule(text),
    spaceOf: (value) => {
      const { free, frame } = splitValue(split, value);
      const space = slotsOf(String(frame.length), () => ({
        length: frame.length,
        slots: free.map((at) => ({ at, alphabet: DIGITS })),
        ...(luhn !== 'any' && { luhn }),
      }));
      return {
        kept: describeKept(frame),
        capacity: space.capacity,
        draw: (random, shard) => space.draw(frame, random, shard),
      };
    },
    ...(isFf1 && { ff1: makeCardCodec(split, luhn) }),
  };
}

/**
 * FF1 over the free digits. With a Luhn rule the last free digit is left out and follows from all others:
 * the sum of a value is 0, that of a token 0 (`pass`) or 5 (`fail`). So it stays one to one.
 */
function makeCardCodec(split: Splitter, luhn: CardOptions['luhn']): Ff1Codec {
  const permuted = ({ free }: Parts) => (luhn === 'any' ? free : free.slice(0, -1));
  const numeralsOf = (parts: Parts): Numerals => ({
    radix: 10,
    digits: permuted(parts).map((at) => parts.text.charCodeAt(at) - 48),
    kept: describeKept(parts.frame),
  });
  const write = (text: string, digits: readonly number[], residue: number): string => {
    const parts = splitValue(split, text);
    const filled = put(text, permuted(parts), digits.map(String));
    const at = parts.free.at(-1) ?? 0;
    return luhn === 'any' ? filled : settleLuhn({ text: filled, at, residue });
  };
  const tokenSum = luhn === 'fail' ? 5 : 0;
  return {
    ofValue: (value) => numeralsOf(splitValue(split, value)),
    toToken: (value, digits) => write(value, digits, tokenSum),
    ofToken: (token) => {
      const parts = split(token);
      const isToken = luhn === 'any' || luhnSum(token) === tokenSum;
      return typeof parts === 'string' || !isToken ? undefined : numeralsOf(parts);
    },
    toValue: (token, digits) => write(token, digits, 0),
  };
}
