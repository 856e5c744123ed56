import { drawUntil } from './draw-until.ts';
import type { Random, TokenFormat, TokenSpace } from './format.ts';
import { drawFramed, type FramedSlots } from './framed-slots.ts';
import { shardOf } from './shard.ts';
import { FREE, makeSlots } from './slots.ts';

/** A range of whole numbers, both ends included, and how each of them is written. */
export type NumberRange = {
  min: bigint;
  max: bigint;
  write: (number: bigint) => string;
  read: (text: string) => bigint | undefined;
  /** Numbers that are written longer or shorter than the one before them, ascending. */
  cuts: readonly bigint[];
  /** Characters that can stand at a place of a text. */
  alphabetAt: (place: number) => string;
};

/** A range is drawn as a text when at least every fourth text is in it … */
const MIN_SHARE = 4n;
/** … and then so many texts all miss once in 10^20. */
const MAX_TEXTS = 160;
/** Of other ranges with at most so many numbers all are listed, by shard. */
const MAX_LISTED = 16_384n;
/** In a shard with its fair share, so many numbers all miss it once in 10^27. */
const MAX_NUMBERS = 16_384;
const SHARDS = 256;

type Search = (random: Random, shard: number) => string | undefined;

/** A format whose tokens are the numbers of a range, whatever the value. */
export function makeRangeFormat(
  kind: 'date' | 'integer',
  range: NumberRange,
): Omit<TokenFormat, 'shape'> {
  const { min, max, write, read } = range;
  const capacity = max - min + 1n;
  const matches = (text: string): boolean => {
    const number = read(text);
    return number !== undefined && number >= min && number <= max;
  };
  const parts = splitRange(range).map((part) => frameOf(part));
  const texts = parts.reduce((sum, { slots }) => sum + slots.capacity, 0n);
  const search: Search =
    capacity * MIN_SHARE >= texts
      ? (random, shard) => drawUntil(matches, () => drawFramed(parts, random, shard), MAX_TEXTS)
      : makeSearch(range);
  const space: TokenSpace = {
    kept: '',
    capacity,
    draw: (random, shard) =>
      shard === undefined ? write(min + drawBelow(capacity, random)) : search(random, shard),
  };
  return { kind, isSmall: capacity < 2n ** 64n, capacity, matches, spaceOf: () => space };
}

/** Parts of the range whose numbers are written with one length. */
function splitRange(range: NumberRange): NumberRange[] {
  const starts = [range.min, ...range.cuts.filter((cut) => cut > range.min && cut <= range.max)];
  return starts.map((min, index) => ({
    ...range,
    min,
    max: (starts[index + 1] ?? range.max + 1n) - 1n,
  }));
}

/** Texts with free places that hold all numbers of a part, and others. */
function frameOf({ min, max, write, alphabetAt }: NumberRange): FramedSlots {
  const first = write(min);
  const last = write(max);
  const fork = Array.from(first).findIndex((character, at) => character !== last.charAt(at));
  const alphabets = Array.from(first, (character, at) => {
    if (fork < 0 || at < fork) {
      return character;
    }
    const alphabet = alphabetAt(at);
    // Where the texts first differ stands what lies between; of negative numbers the last is the lower.
    const ends = [character, last.charAt(at)].map((end) => alphabet.indexOf(end));
    return at > fork ? alphabet : alphabet.slice(Math.min(...ends), Math.max(...ends) + 1);
  });
  return {
    frame: alphabets.map((alphabet) => (alphabet.length > 1 ? FREE : alphabet)).join(''),
    slots: makeSlots({
      length: first.length,
      slots: alphabets.flatMap((alphabet, at) => (alphabet.length > 1 ? [{ at, alphabet }] : [])),
    }),
  };
}

function makeSearch(range: NumberRange): Search {
  const size = range.max - range.min + 1n;
  if (size > MAX_LISTED) {
    return (random, shard) =>
      drawUntil(
        (text) => shardOf(text) === shard,
        () => range.write(range.min + drawBelow(size, random)),
        MAX_NUMBERS,
      );
  }
  let shards: string[][] | undefined;
  return (random, shard) => {
    shards ??= listShards(range);
    const texts = shards[shard] ?? [];
    return texts.length === 0 ? undefined : texts[Number(drawBelow(BigInt(texts.length), random))];
  };
}

function listShards({ min, max, write }: NumberRange): string[][] {
  const shards = Array.from({ length: SHARDS }, (): string[] => []);
  for (let number = min; number <= max; number += 1n) {
    const text = write(number);
    shards[shardOf(text)]?.push(text);
  }
  return shards;
}

/** A number from 0 up to, not including, `size`, at most 2^64; even to within 2^-64. */
function drawBelow(size: bigint, random: Random): bigint {
  let number = 0n;
  for (const byte of random(16)) {
    number = number * 256n + BigInt(byte);
  }
  return number % size;
}
