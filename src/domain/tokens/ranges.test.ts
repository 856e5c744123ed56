import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawToken, formatOf, random } from '../../../test/helpers/token-formats.ts';
import { normaliseDate } from '../values/date.ts';
import { shardOf } from './shard.ts';

const DATE = { type: 'date' };
const INTEGER = { type: 'integer' };
const anyDay = fc
  .integer({ min: -719_162, max: 2_932_896 })
  .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const anyInteger = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -5_000n, max: 5_000n }),
);
const anyShard = fc.option(fc.nat(255), { nil: undefined });

test('date tokens exist and lie in the range, in the shard', () => {
  fc.assert(
    fc.property(anyDay, fc.nat(40_000), anyShard, (min, days, shard) => {
      const start = Date.parse(min) / 86_400_000;
      const end = Math.min(start + days, 2_932_896);
      const max = new Date(end * 86_400_000).toISOString().slice(0, 10);
      const format = formatOf({ format: 'date', min, max }, DATE);
      const token = format.spaceOf('1815-12-10').draw(random, shard);
      if (token === undefined) {
        assert.ok(shard !== undefined && end - start < 20_000);
        return;
      }
      assert.equal(normaliseDate(token), token);
      assert.ok(token >= min && token <= max && format.matches(token));
      assert.ok(shard === undefined || shardOf(token) === shard);
    }),
    { numRuns: 400 },
  );
});

test('by default dates lie in 3000 to 9999, and all of them can be drawn', () => {
  const format = formatOf({ format: 'date' }, DATE);
  assert.equal(format.capacity, 2_556_697n);
  for (let shard = 0; shard < 256; shard += 1) {
    const token = drawToken(format, '1815-12-10', shard);
    assert.ok(token >= '3000-01-01' && shardOf(token) === shard);
  }
  for (const text of ['2999-12-31', '3001-02-29', '3000-1-01', '٣٠٠٠-01-01', '10000-01-01', '']) {
    assert.equal(format.matches(text), false, text);
  }
  assert.ok(format.matches('3004-02-29') && format.matches('9999-12-31'));
});

test('integer tokens are canonical and lie in the range, in the shard', () => {
  fc.assert(
    fc.property(anyInteger, anyInteger, anyShard, (one, other, shard) => {
      const [min, max] = one < other ? [one, other] : [other, one];
      const bounds = { min: String(min), max: String(max) };
      const format = formatOf({ format: 'integer', ...bounds }, INTEGER);
      assert.equal(format.capacity, max - min + 1n);
      const token = format.spaceOf('1').draw(random, shard);
      if (token === undefined) {
        assert.ok(shard !== undefined && max - min < 10_000n);
        return;
      }
      assert.equal(String(BigInt(token)), token);
      assert.ok(BigInt(token) >= min && BigInt(token) <= max && format.matches(token));
      assert.ok(shard === undefined || shardOf(token) === shard);
    }),
    { numRuns: 500 },
  );
});

test('by default integers lie above all counters and in a bigint column', () => {
  const format = formatOf({ format: 'integer' }, INTEGER);
  assert.deepEqual([format.capacity, format.isSmall], [2n ** 62n, true]);
  for (let shard = 0; shard < 256; shard += 1) {
    const token = BigInt(drawToken(format, '1', shard));
    assert.ok(token >= 2n ** 62n && token < 2n ** 63n);
  }
  for (const text of [
    String(2n ** 62n - 1n),
    String(2n ** 63n),
    '-1',
    '0',
    '07',
    '+5000000000000000000',
  ]) {
    assert.equal(format.matches(text), false, text);
  }
});

test('of a narrow range each token is equally likely in its shard, and an empty shard has none', () => {
  for (const options of [
    { format: 'date', min: '2999-12-01', max: '3000-12-31' },
    { format: 'date', min: '3000-01-01', max: '3009-12-31' },
    { format: 'integer', min: 95, max: 1_020 },
    { format: 'integer', min: 10_000, max: 13_999 },
  ]) {
    const format = formatOf(options, { type: 'text' });
    const drawn = Array.from({ length: 3_000 }, () => format.spaceOf('x').draw(random, 5));
    const counts = new Map<string | undefined, number>();
    for (const token of drawn) {
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    const expected = drawn.length / counts.size;
    // Far outside of what chance does to a few dozen equally likely tokens.
    assert.ok([...counts.values()].every((count) => count > expected / 3 && count < expected * 3));
  }
  const one = formatOf({ format: 'integer', min: 7, max: 7 }, INTEGER);
  const home = shardOf('7');
  assert.equal(one.spaceOf('1').draw(random, home), '7');
  assert.equal(one.spaceOf('1').draw(random, (home + 1) % 256), undefined);
});
