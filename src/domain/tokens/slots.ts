import { luhnDigit, luhnEffect, luhnSum } from '../values/luhn.ts';
import { drawFractions, pickWeighted } from './chance.ts';
import type { Random } from './format.ts';
import { shardEffects, shardOf } from './shard.ts';

/** A free place in a text, and the ASCII characters that may stand there, each once. */
export type Slot = { at: number; alphabet: string };

/** What stands in a frame where a slot is. */
export const FREE = '\0';

/** Which texts of the slots count, by their Luhn sum; absent: all of them. */
export type LuhnRule = 'fail' | 'pass';

/**
 * All texts of one length with the same slots. What stands around the slots is said with each call, by
 * a frame: the text with `FREE` in each slot, all other characters ASCII.
 */
export type SlotSpace = {
  /** How many texts there are for one frame. */
  capacity: bigint;
  /** Draws one, each equally likely; with `shard` one of that shard, `undefined` when it holds none. */
  draw: (frame: string, random: Random, shard?: number) => string | undefined;
  /** How many of the texts lie in the shard; of at most 2^64 texts. */
  count: (frame: string, shard: number) => number;
};

/** So many texts that differ at the end are enough to give every shard its fair share. */
const ENOUGH = 2 ** 64;
const SHARDS = 256;

/** What one character in one slot does to shard and Luhn sum. */
type Effect = { character: string; shard: number; luhn: number };
/** What is missing to the wanted shard and Luhn sum. */
type Need = { shard: number; luhn: number };

/**
 * Prepares drawing. Nothing is tried and thrown away: CRC and Luhn sum are sums over the places, so
 * tables (made when the first shard is asked for) can say how many texts each choice of a character
 * leaves, and characters are drawn by these numbers. Up to 2^64 texts that is exactly even. Above, the
 * head is drawn freely and only the last slots, 2^64 texts of them, by the tables: even enough.
 * With `luhn` all slots are digits.
 */
export function makeSlots(spec: {
  length: number;
  slots: readonly Slot[];
  luhn?: LuhnRule;
}): SlotSpace {
  const { length, slots, luhn } = spec;
  const effects = slots.map((slot) => effectsOf(slot, length - 1 - slot.at));
  const headLength = countHead(slots);
  const tail = effects.slice(headLength);
  let made: Float64Array[] | undefined;
  const tables = (): Float64Array[] => {
    made ??= makeTables(tail, luhn === undefined ? 1 : 10);
    return made;
  };
  /** Luhn sums that the slots may add to `sum`. */
  const allowed = (sum: number): number[] =>
    luhn === undefined ? [0] : residues(luhn).map((residue) => (residue + 10 - sum) % 10);
  const weigh = (sums: readonly number[], shard: number): number[] =>
    sums.map((sum) => tables()[0]?.[sum * SHARDS + shard] ?? 0);

  const drawInShard = (frame: string, random: Random, shard: number): string | undefined => {
    const fractions = drawFractions(random, slots.length + 1);
    const head = chooseEach(effects.slice(0, headLength), fractions);
    const rest = head.reduce((need, effect) => need ^ effect.shard, shardOf(frame) ^ shard);
    const sum = head.reduce((total, effect) => total + effect.luhn, luhnSum(frame));
    const sums = allowed(sum % 10);
    const picked = pickWeighted(weigh(sums, rest), fractions[slots.length] ?? 0);
    if (picked === undefined) {
      return undefined;
    }
    const need = { shard: rest, luhn: sums[picked] ?? 0 };
    const chosen = walk({
      tail,
      tables: tables(),
      need,
      fractions: fractions.subarray(headLength),
    });
    return fill(frame, slots, [...head, ...chosen]);
  };

  const drawFreely = (frame: string, random: Random): string => {
    const fractions = drawFractions(random, slots.length + 1);
    const text = fill(frame, slots, chooseEach(effects, fractions));
    const rule = luhn === undefined ? [] : residues(luhn);
    const residue = rule[Math.floor((fractions[slots.length] ?? 0) * rule.length)];
    // Each residue is equally likely, and then the digit of one slot follows from all others.
    return residue === undefined ? text : settleLuhn({ text, at: slots[0]?.at ?? 0, residue });
  };

  return {
    capacity: capacityOf(slots, luhn),
    draw: (frame, random, shard) =>
      shard === undefined ? drawFreely(frame, random) : drawInShard(frame, random, shard),
    count: (frame, shard) =>
      weigh(allowed(luhnSum(frame)), shardOf(frame) ^ shard).reduce((sum, part) => sum + part, 0),
  };
}

/** The text with the digit at `at` changed so that the Luhn sum becomes `residue`. */
export function settleLuhn(spec: { text: string; at: number; residue: number }): string {
  const { text, at, residue } = spec;
  const before = text.slice(0, at);
  const after = text.slice(at + 1);
  const effect = (residue + 10 - luhnSum(`${before}${FREE}${after}`)) % 10;
  return `${before}${luhnDigit(effect, after.length)}${after}`;
}

/** The frame with these characters in its slots. */
function fill(frame: string, slots: readonly Slot[], chosen: readonly Effect[]): string {
  let text = '';
  let from = 0;
  for (const [index, { at }] of slots.entries()) {
    text += frame.slice(from, at) + (chosen[index]?.character ?? '');
    from = at + 1;
  }
  return text + frame.slice(from);
}

function residues(rule: LuhnRule): readonly number[] {
  return rule === 'pass' ? [0] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
}

/** By alphabet and distance. Callers choose where slots are; alphabets come from policies, and are few. */
const knownEffects = new Map<string, Effect[][]>();

/** Shared by all slots with as many places behind them: made for each, they would outweigh all else. */
function effectsOf({ alphabet }: Slot, distance: number): readonly Effect[] {
  const known = knownEffects.get(alphabet) ?? [];
  knownEffects.set(alphabet, known);
  const effects = known[distance] ?? makeEffects(alphabet, distance);
  known[distance] = effects;
  return effects;
}

function makeEffects(alphabet: string, distance: number): Effect[] {
  const shards = shardEffects(distance);
  return Array.from(alphabet, (character) => {
    const code = character.charCodeAt(0);
    const digit = code - 48;
    const luhn = digit >= 0 && digit <= 9 ? luhnEffect(digit, distance) : 0;
    return { character, shard: (shards[code] ?? 0) % SHARDS, luhn };
  });
}

/** How many slots stand before those that the tables are made of. */
function countHead(slots: readonly Slot[]): number {
  let index = slots.length;
  for (let texts = 1; index > 0 && texts < ENOUGH; index -= 1) {
    texts *= slots[index - 1]?.alphabet.length ?? 1;
  }
  return index;
}

/** Whatever stands elsewhere, one digit more or less in a slot changes the sum: 1 of 10 passes. */
function capacityOf(slots: readonly Slot[], luhn: LuhnRule | undefined): bigint {
  const texts = slots.reduce((product, { alphabet }) => product * BigInt(alphabet.length), 1n);
  return luhn === undefined ? texts : (texts / 10n) * BigInt(residues(luhn).length);
}

/**
 * Table k: how many texts of the tail's slots from k on have each Luhn sum and shard, counted alone;
 * one row of 256 shards for each of `sums` Luhn sums.
 */
function makeTables(tail: readonly (readonly Effect[])[], sums: number): Float64Array[] {
  const nothing = new Float64Array(sums * SHARDS);
  nothing[0] = 1;
  const tables: Float64Array[] = [nothing];
  let next: Float64Array = nothing;
  for (const choices of tail.toReversed()) {
    next = addSlot(next, sums === 1 ? choices.map((choice) => ({ ...choice, luhn: 0 })) : choices);
    tables.unshift(next);
  }
  return tables;
}

function addSlot(next: Float64Array, choices: readonly Effect[]): Float64Array {
  const table = new Float64Array(next.length);
  for (const { shard, luhn } of choices) {
    const shift = luhn * SHARDS;
    for (let state = 0; state < next.length; state += 1) {
      const at = ((state + shift) % next.length) ^ shard;
      table[at] = (table[at] ?? 0) + (next[state] ?? 0);
    }
  }
  return table;
}

/** Fills the tail so that the need is met. There is a way, or table 0 would have said 0. */
function walk(spec: {
  tail: readonly (readonly Effect[])[];
  tables: readonly Float64Array[];
  need: Need;
  fractions: Float64Array;
}): Effect[] {
  const { tail, tables, fractions } = spec;
  let { shard, luhn } = spec.need;
  return tail.flatMap((choices, index) => {
    const table = tables[index + 1] ?? new Float64Array(0);
    const hasSums = table.length > SHARDS;
    const after = (choice: Effect): number =>
      (hasSums ? ((luhn + 10 - choice.luhn) % 10) * SHARDS : 0) + (shard ^ choice.shard);
    const weights = choices.map((choice) => table[after(choice)] ?? 0);
    const chosen = choices[pickWeighted(weights, fractions[index] ?? 0) ?? 0];
    if (chosen === undefined) {
      return [];
    }
    shard ^= chosen.shard;
    luhn = (luhn + 10 - chosen.luhn) % 10;
    return [chosen];
  });
}

function chooseEach(slots: readonly (readonly Effect[])[], fractions: Float64Array): Effect[] {
  return slots.flatMap((choices, index) => {
    const chosen = choices[Math.floor((fractions[index] ?? 0) * choices.length)];
    return chosen === undefined ? [] : [chosen];
  });
}
