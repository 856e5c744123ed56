import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatOf, lintFormat, random } from '../../../test/helpers/token-formats.ts';
import { VaultError } from '../errors.ts';
import { normaliseCard } from '../values/card.ts';
import { luhnSum } from '../values/luhn.ts';
import { shardOf } from './shard.ts';
import { settleLuhn } from './slots.ts';

const CARD = { type: 'card' };
const anyCard = fc
  .stringMatching(/^[0-9]{12,19}$/)
  .map((text) => settleLuhn({ text, at: 0, residue: 0 }));
const anyOptions = fc.record({
  keepFirst: fc.nat(8),
  keepLast: fc.nat(4),
  luhn: fc.constantFrom('fail', 'pass', 'any'),
});
const isCard = (text: string): boolean => {
  try {
    normaliseCard(text);
    return true;
  } catch {
    return false;
  }
};
const keptOf = (
  value: string,
  { keepFirst, keepLast }: { keepFirst: number; keepLast: number },
) => [value.slice(0, value.length < 16 ? 0 : keepFirst), value.slice(value.length - keepLast)];

test('no card token can be a card under fail, each can under pass; kept digits are kept', () => {
  fc.assert(
    fc.property(
      anyCard,
      anyOptions,
      fc.option(fc.nat(255), { nil: undefined }),
      (value, options, shard) => {
        const format = formatOf({ format: 'card', ...options }, CARD);
        const token = format.spaceOf(value).draw(random, shard);
        if (token === undefined) {
          assert.ok(shard !== undefined);
          return;
        }
        assert.match(token, /^[0-9]+$/);
        assert.equal(token.length, value.length);
        assert.deepEqual(keptOf(token, options), keptOf(value, options));
        assert.ok(options.luhn === 'any' || isCard(token) === (options.luhn === 'pass'));
        assert.ok(format.matches(token));
        assert.ok(shard === undefined || shardOf(token) === shard);
      },
    ),
    { numRuns: 3000 },
  );
});

test('fail is what a policy gets that says nothing', () => {
  const format = formatOf({ format: 'card' }, CARD);
  assert.equal(format.shape, 'card keepFirst=0 keepLast=0 luhn=fail');
  assert.equal(format.matches('4111111111111111'), false);
  assert.equal(format.matches('4111111111111112'), true);
  for (const text of ['41111111111', '4'.repeat(20), '4111-1111-1111-1112', '４111111111111112']) {
    assert.equal(format.matches(text), false, text);
  }
});

test('capacity is what can be drawn: 900,000 for first six and last four', () => {
  const format = formatOf({ format: 'card', keepFirst: 6, keepLast: 4 }, CARD);
  assert.equal(format.capacity, 900_000n);
  assert.equal(format.spaceOf('4111111111111111').capacity, 900_000n);
  assert.equal(format.spaceOf('4111111111111111').kept, '411111••••••1111');
  const short = format.spaceOf('411111111116');
  assert.deepEqual([short.kept, short.capacity], ['••••••••1116', 90_000_000n]);
  const tight = formatOf({ format: 'card', keepFirst: 8, keepLast: 4 }, CARD);
  const space = tight.spaceOf('4111111111111111');
  const numbers = Array.from({ length: 10_000 }, (_, free) => String(free).padStart(4, '0'));
  const tokens = numbers.filter((free) => tight.matches(`41111111${free}1111`));
  assert.equal(BigInt(tokens.length), space.capacity);
  assert.equal(space.capacity, 9_000n);
});

test('FF1 goes there and back whatever the digits, and its tokens obey the Luhn rule', () => {
  fc.assert(
    fc.property(anyCard, anyOptions, fc.infiniteStream(fc.nat(9)), (value, options, stream) => {
      const { format, problems } = lintFormat({ mode: 'fpe', format: 'card', ...options }, CARD);
      const { keepFirst, keepLast, luhn } = options;
      const least = Math.min(12 - keepLast, 16 - keepFirst - keepLast) - (luhn === 'any' ? 0 : 1);
      assert.deepEqual(problems, least < 6 ? ['token ff1_space_too_small'] : []);
      const codec = format?.ff1;
      if (codec === undefined) {
        return;
      }
      const plain = codec.ofValue(value);
      assert.ok(plain.digits.length >= 6);
      const digits = [...stream.take(plain.digits.length)];
      const token = codec.toToken(value, digits);
      assert.deepEqual(keptOf(token, options), keptOf(value, options));
      assert.ok(luhn === 'any' || isCard(token) === (luhn === 'pass'));
      assert.deepEqual(codec.ofToken(token), { ...plain, digits });
      assert.equal(codec.toValue(token, plain.digits), value);
    }),
    { numRuns: 3000 },
  );
});

test('under fail FF1 is one to one between cards and tokens: counted over 100,000 of them', () => {
  const codec = formatOf({ mode: 'fpe', format: 'card', keepFirst: 5, keepLast: 4 }, CARD).ff1;
  const value = '4111111111111111';
  const cards = new Set<string>();
  const tokens = new Set<string>();
  for (let number = 0; number < 100_000; number += 1) {
    const digits = Array.from(String(number).padStart(6, '0'), Number);
    const token = codec?.toToken(value, digits) ?? '';
    assert.equal(luhnSum(token), 5);
    tokens.add(token);
    cards.add(codec?.toValue(token, digits) ?? '');
  }
  assert.equal(tokens.size, 100_000);
  assert.equal(cards.size, 100_000);
  assert.ok([...cards].every(isCard));
});

test('a text that FF1 could not have made under fail is no token', () => {
  const codec = formatOf({ mode: 'fpe', format: 'card', keepLast: 4 }, CARD).ff1;
  for (let residue = 0; residue < 10; residue += 1) {
    const text = settleLuhn({ text: '4111111111111111', at: 3, residue });
    assert.equal(codec?.ofToken(text) !== undefined, residue === 5);
  }
});

test('what is no card number is refused, whoever asks', () => {
  const format = formatOf({ format: 'card' }, CARD);
  for (const value of ['٤١١١١١١١١١١١١١١١', '4111 1111 1111 1111', '41111', '']) {
    assert.throws(
      () => format.spaceOf(value),
      (error) => error instanceof VaultError && error.problems[0]?.rule === 'format_unfit',
    );
  }
});
