import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultError } from '../errors.ts';
import { CROCKFORD, CROCKFORD_LENGTH, drawCrockford } from './crockford.ts';
import { shardOf } from './shard.ts';

const random = (bytes: number): Uint8Array => randomBytes(bytes);
const PAIRS = Array.from(CROCKFORD, (a) => Array.from(CROCKFORD, (b) => a + b)).flat();
const ascii = fc.string({ unit: fc.constantFrom(...'abz09_.-@'), maxLength: 250 });

test('what is drawn stands between its neighbours, in the shard that was asked for', () => {
  const anyShard = fc.option(fc.nat(255), { nil: undefined });
  fc.assert(
    fc.property(ascii, ascii, anyShard, (before, after, shard) => {
      const text = drawCrockford({ before, after, shard, random });
      assert.equal(text.length, before.length + CROCKFORD_LENGTH + after.length);
      assert.ok(text.startsWith(before) && text.endsWith(after));
      const drawn = text.slice(before.length, before.length + CROCKFORD_LENGTH);
      assert.ok(Array.from(drawn).every((character) => CROCKFORD.includes(character)));
      assert.ok(shard === undefined || shardOf(text) === shard);
    }),
    { numRuns: 1_000 },
  );
});

/**
 * How often each text comes of a head: the source gives that head with each byte that may choose the pair,
 * and once more something else, where the byte chooses none.
 */
function countByText(
  { before, after, shard }: { before: string; after: string; shard: number },
  head: Uint8Array,
): Map<string, number> {
  const headText = before + Array.from(head, (byte) => CROCKFORD.charAt(byte & 31)).join('');
  const counts = new Map<string, number>();
  for (let choice = 0; choice < 256; choice += 1) {
    const source = (length: number): Uint8Array => {
      const bytes = random(length);
      bytes.set([...head, choice]);
      return bytes;
    };
    const text = drawCrockford({ before, after, shard, random: source });
    if (text.startsWith(headText)) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

test('each text of a shard is equally likely: heads with few endings have no likelier ones', () => {
  for (const [before, after] of [
    ['tok_', ''],
    ['', '@token.invalid'],
    ['', `@${'a'.repeat(226)}.b`],
  ] as const) {
    const frequencies = new Set<number>();
    const numbers = new Set<number>();
    for (let shard = 0; shard < 256; shard += 4) {
      const head = random(CROCKFORD_LENGTH - 2);
      const stem = before + Array.from(head, (byte) => CROCKFORD.charAt(byte & 31)).join('');
      const fitting = PAIRS.map((pair) => stem + pair + after).filter(
        (text) => shardOf(text) === shard,
      );
      const counts = countByText({ before, after, shard }, head);
      assert.deepEqual(new Set(counts.keys()), new Set(fitting));
      for (const count of counts.values()) frequencies.add(count);
      numbers.add(fitting.length);
    }
    assert.ok(numbers.size > 1, 'heads differ in how many endings they have');
    assert.equal(frequencies.size, 1);
  }
});

test('a source that is not random ends in an error instead of a loop', () => {
  let calls = 0;
  // Always the same head, and always the last place of those that an ending is chosen from.
  const ones = (bytes: number) => {
    calls += 1;
    return new Uint8Array(bytes).fill(255);
  };
  const draws = Array.from({ length: 256 }, (_, shard) => () => {
    calls = 0;
    return drawCrockford({ before: 'tok_', after: '', shard, random: ones });
  });
  const failing = draws.filter((draw) => {
    try {
      draw();
      return false;
    } catch (error) {
      assert.ok(error instanceof VaultError && error.code === 'internal');
      assert.ok(calls < 100);
      return true;
    }
  });
  assert.ok(failing.length > 0);
});
