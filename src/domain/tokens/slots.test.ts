import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { luhnSum } from '../values/luhn.ts';
import { shardOf } from './shard.ts';
import { FREE, type LuhnRule, makeSlots, type Slot } from './slots.ts';

const random = (bytes: number): Uint8Array => randomBytes(bytes);
const DIGITS = '0123456789';
const ALPHABETS = [DIGITS, '01', 'abcxyz', 'ACGT', '-_~'];

const anySpace = fc
  .array(
    fc.oneof(
      fc.constantFrom(...ALPHABETS.map((alphabet) => ({ alphabet }))),
      fc.constantFrom('4', '-', 'x', '~').map((literal) => ({ literal })),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map(describe);

function describe(parts: readonly ({ alphabet: string } | { literal: string })[]) {
  const slots: Slot[] = parts.flatMap((part, at) =>
    'alphabet' in part ? [{ at, alphabet: part.alphabet }] : [],
  );
  const frame = parts.map((part) => ('literal' in part ? part.literal : FREE)).join('');
  return { frame, slots, length: frame.length };
}

/** Every text of the slots. */
function listAll(frame: string, slots: readonly Slot[]): string[] {
  return slots.reduce<string[]>(
    (texts, { at, alphabet }) =>
      texts.flatMap((text) =>
        Array.from(alphabet, (character) => text.slice(0, at) + character + text.slice(at + 1)),
      ),
    [frame],
  );
}

const obeys = (rule: LuhnRule | undefined) => (text: string) =>
  rule === undefined || (luhnSum(text) === 0) === (rule === 'pass');

test('what is drawn keeps the frame, has only allowed characters, and lies in the shard', () => {
  fc.assert(
    fc.property(anySpace, fc.option(fc.nat(255), { nil: undefined }), (space, shard) => {
      const { frame, slots, length } = space;
      const text = makeSlots({ length, slots }).draw(frame, random, shard);
      if (text === undefined) {
        return shard !== undefined;
      }
      assert.equal(text.length, length);
      for (const [at, character] of Array.from(text).entries()) {
        const slot = slots.find((candidate) => candidate.at === at);
        assert.ok(slot?.alphabet.includes(character) ?? character === frame.charAt(at));
      }
      return shard === undefined || shardOf(text) === shard;
    }),
    { numRuns: 3000 },
  );
});

test('capacity and shard counts are what counting one by one gives, with every Luhn rule', () => {
  const frames = [`4${FREE.repeat(4)}1`, FREE.repeat(4), `${FREE}9${FREE}-${FREE}${FREE}`];
  for (const frame of frames) {
    for (const luhn of ['fail', 'pass', undefined] as const) {
      const slots = Array.from(frame).flatMap((character, at) =>
        character === FREE ? [{ at, alphabet: DIGITS }] : [],
      );
      const space = makeSlots({ length: frame.length, slots, ...(luhn && { luhn }) });
      const texts = listAll(frame, slots).filter(obeys(luhn));
      assert.equal(space.capacity, BigInt(texts.length));
      const sizes = new Array<number>(256).fill(0);
      for (const text of texts) {
        const shard = shardOf(text);
        sizes[shard] = (sizes[shard] ?? 0) + 1;
      }
      assert.deepEqual(
        sizes.map((_, shard) => space.count(frame, shard)),
        sizes,
      );
    }
  }
});

test('every text of a shard is drawn, and nothing else; an empty shard gives nothing', () => {
  const frame = `ab${FREE.repeat(3)}`;
  const slots = [2, 3, 4].map((at) => ({ at, alphabet: DIGITS }));
  for (const luhn of ['fail', undefined] as const) {
    const space = makeSlots({ length: 5, slots, ...(luhn && { luhn }) });
    const texts = listAll(frame, slots).filter(obeys(luhn));
    for (let shard = 0; shard < 256; shard += 17) {
      const home = new Set(texts.filter((text) => shardOf(text) === shard));
      const drawn = new Set(Array.from({ length: 300 }, () => space.draw(frame, random, shard)));
      assert.deepEqual(drawn, home.size === 0 ? new Set([undefined]) : home);
    }
  }
});

/** Pearson's statistic of how often each text was drawn, less its mean, in standard deviations. */
function deviation(
  draw: () => string | undefined,
  texts: readonly string[],
  draws: number,
): number {
  const counts = new Map(texts.map((text) => [text, 0]));
  for (let index = 0; index < draws; index += 1) {
    const text = draw() ?? '';
    assert.ok(counts.has(text), text);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const expected = draws / texts.length;
  const sum = [...counts.values()].reduce(
    (total, count) => total + (count - expected) ** 2 / expected,
    0,
  );
  const freedom = texts.length - 1;
  return (sum - freedom) / Math.sqrt(2 * freedom);
}

test('each text is equally likely, whatever shard and Luhn rule', () => {
  const frame = `4${FREE.repeat(3)}`;
  const slots = [1, 2, 3].map((at) => ({ at, alphabet: DIGITS }));
  for (const luhn of ['fail', 'pass', undefined] as const) {
    const space = makeSlots({ length: 4, slots, ...(luhn && { luhn }) });
    const texts = listAll(frame, slots).filter(obeys(luhn));
    // Chance exceeds 7 standard deviations less than once in a million runs.
    assert.ok(deviation(() => space.draw(frame, random), texts, 40_000) < 7);
  }
  const longer = `${FREE.repeat(4)}7`;
  const four = [0, 1, 2, 3].map((at) => ({ at, alphabet: DIGITS }));
  const space = makeSlots({ length: 5, slots: four, luhn: 'fail' });
  const texts = listAll(longer, four)
    .filter(obeys('fail'))
    .filter((text) => shardOf(text) === 99);
  assert.ok(texts.length > 20);
  assert.ok(deviation(() => space.draw(longer, random, 99), texts, 20_000) < 7);
});

test('of spaces too large to count, every shard holds its share', () => {
  for (const [length, alphabet] of [
    [30, DIGITS],
    [26, 'abcdefghjkmnpqrstvwxyz'],
    [200, '01'],
  ] as const) {
    const slots = Array.from({ length }, (_, at) => ({ at, alphabet }));
    const space = makeSlots({ length, slots });
    const heads = new Set<string>();
    for (let shard = 0; shard < 256; shard += 1) {
      const text = space.draw(FREE.repeat(length), random, shard) ?? '';
      assert.equal(shardOf(text), shard);
      heads.add(text.slice(0, 10));
    }
    assert.ok(heads.size > 100, 'heads differ');
  }
});

test('slots in ever new places share what they have in common: a caller cannot fill the memory with them', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const alphabet = Array.from({ length: 62 }, (_, at) => String.fromCharCode(48 + at)).join('');
  const spaceWithout = (missing: number) =>
    makeSlots({
      length: 256,
      slots: Array.from({ length: 256 }, (_, at) => ({ at, alphabet })).toSpliced(missing, 1),
    });
  const first = spaceWithout(0);
  collect();
  const before = process.memoryUsage().heapUsed;
  const others = Array.from({ length: 63 }, (_, at) => spaceWithout(at + 1));
  collect();
  const grownBy = process.memoryUsage().heapUsed - before;
  assert.ok(grownBy < 10e6, `${grownBy} bytes`);
  assert.ok(others.every(({ capacity }) => capacity === first.capacity));
});
