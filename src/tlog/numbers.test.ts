import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../test/helpers/tlog.ts';
import { checkNumber, parseDecimal, splitPoint } from './numbers.ts';

test('only ASCII decimals without leading zeros, below 2^53, are read', () => {
  for (const value of [0, 1, 10, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    assert.equal(parseDecimal(String(value)), value);
  }
  const refused = [
    '',
    '00',
    '01',
    '+1',
    '-1',
    '-0',
    ' 1',
    '1 ',
    '1\n',
    '1.0',
    '1e3',
    '0x1',
    '１',
    '٣',
  ];
  for (const text of [...refused, '9007199254740992', '9007199254740993', '99999999999999999']) {
    assert.equal(parseDecimal(text), undefined, text);
  }
});

test('whatever is no whole number in its range is refused', () => {
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => checkNumber(value), refusal('number_invalid'), String(value));
  }
  assert.throws(() => checkNumber(0, { min: 1 }), refusal('number_invalid'));
  assert.throws(() => checkNumber(257, { max: 256 }), refusal('number_invalid'));
  checkNumber(Number.MAX_SAFE_INTEGER);
});

test('a tree splits at the largest power of two strictly below its size, far beyond 32 bits too', () => {
  assert.deepEqual([2, 3, 4, 5, 8, 9].map(splitPoint), [1, 2, 2, 4, 4, 8]);
  for (let power = 2; power < 53; power += 1) {
    assert.equal(splitPoint(2 ** power), 2 ** (power - 1));
    assert.equal(splitPoint(2 ** power + 1), 2 ** power);
  }
  assert.equal(splitPoint(Number.MAX_SAFE_INTEGER), 2 ** 52);
});
