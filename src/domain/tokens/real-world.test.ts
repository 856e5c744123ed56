import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countrySpecs, isValidIBAN } from 'ibantools';
import {
  getCountries,
  getExampleNumber,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/min';
import examples from 'libphonenumber-js/mobile/examples';
import { drawToken, formatOf, random } from '../../../test/helpers/token-formats.ts';
import { VaultError } from '../errors.ts';
import { normaliseUsSsn } from '../values/us-ssn.ts';
import { shardOf } from './shard.ts';

const anyShard = fc.option(fc.nat(255), { nil: undefined });
const isUnfit = (error: unknown) =>
  error instanceof VaultError && error.problems[0]?.rule === 'format_unfit';

test('no us-ssn token was or can be issued as SSN, ITIN or ATIN', () => {
  const format = formatOf({ format: 'us-ssn' }, { type: 'us-ssn' });
  const isItinGroup = (group: number) =>
    (group >= 50 && group <= 65) ||
    (group >= 70 && group <= 88) ||
    (group >= 90 && group <= 92) ||
    (group >= 94 && group <= 99);
  fc.assert(
    fc.property(anyShard, (shard) => {
      const token = drawToken(format, '123-45-6789', shard);
      const [area = 0, group = 0, serial = 0] = token.split('-').map(Number);
      assert.match(token, /^[0-9]{3}-[0-9]{2}-[0-9]{4}$/);
      assert.throws(() => normaliseUsSsn(token));
      assert.ok(area >= 900 && area <= 999 && group >= 1 && group <= 49 && serial >= 1);
      assert.ok(!isItinGroup(group) && group !== 93);
      assert.ok(shard === undefined || shardOf(token) === shard);
    }),
    { numRuns: 5000 },
  );
  for (const text of ['899-01-0001', '900-00-0001', '900-50-0001', '900-01-0000', '900010001']) {
    assert.equal(format.matches(text), false, text);
  }
  const groups = Array.from({ length: 100 }, (_, group) => String(group).padStart(2, '0'));
  assert.equal(groups.filter((group) => format.matches(`912-${group}-0001`)).length, 49);
  assert.equal(format.capacity, 100n * 49n * 9_999n);
});

test('phone tokens keep country code and length and are never valid, for every country', () => {
  const format = formatOf({ format: 'phone' }, { type: 'phone' });
  const numbers = getCountries().flatMap((country): PhoneNumber[] => {
    const number = getExampleNumber(country, examples);
    return number === undefined ? [] : [number];
  });
  assert.ok(numbers.length > 200);
  for (const [index, number] of numbers.entries()) {
    const space = format.spaceOf(number.number);
    for (const shard of [undefined, index % 256, (index * 7) % 256]) {
      const token = space.draw(random, shard);
      assert.ok(token !== undefined || space.capacity < 10_000n, number.number);
      if (token !== undefined) {
        assert.ok(format.matches(token), number.number);
        assert.equal(token.length, number.number.length);
        assert.ok(token.startsWith(`+${number.countryCallingCode}`), number.number);
        assert.notEqual(parsePhoneNumberFromString(token, { extract: false })?.isValid(), true);
        assert.ok(shard === undefined || shardOf(token) === shard);
      }
    }
  }
});

test('thousands of phone tokens of variable plans are invalid and keep their form', () => {
  const format = formatOf({ format: 'phone' }, { type: 'phone' });
  const values = [
    '+493012345678',
    '+4915112345678',
    '+12025550123',
    '+33612345678',
    '+390612345678',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...values, '+8613812345678'), anyShard, (value, shard) => {
      const token = drawToken(format, value, shard);
      assert.equal(token.length, value.length);
      assert.notEqual(parsePhoneNumberFromString(token, { extract: false })?.isValid(), true);
      assert.notEqual(token, value);
    }),
    { numRuns: 3000 },
  );
  assert.equal(format.spaceOf('+12025550123').kept, '+1••••••••••');
  for (const text of ['+12025550123', '+1', '12025550123', '+999123456789', '+1 0025550123', '']) {
    assert.equal(format.matches(text), false, text);
  }
  assert.throws(() => format.spaceOf('12025550123'), isUnfit);
});

test('a country and length where every number is assigned has no tokens, and the value is refused', () => {
  const format = formatOf({ format: 'phone' }, { type: 'phone' });
  assert.throws(() => format.spaceOf('+88812345678901'), isUnfit);
});

test('iban tokens keep country, length and structure, and their check digits fail, everywhere', () => {
  const format = formatOf({ format: 'iban' }, { type: 'iban' });
  const countries = Object.entries(countrySpecs).filter(([, spec]) => spec.bban_regexp);
  assert.ok(countries.length > 70);
  for (const [country, spec] of countries) {
    const value = country + '0'.repeat((spec.chars ?? 4) - 2);
    for (const shard of [undefined, 0, 255, 128]) {
      const token = drawToken(format, value, shard);
      assert.equal(token.slice(0, 2), country);
      assert.equal(token.length, spec.chars);
      assert.match(token.slice(4), new RegExp(spec.bban_regexp ?? ''));
      assert.equal(isValidIBAN(token), false);
      assert.ok(shard === undefined || shardOf(token) === shard);
    }
  }
});

test('thousands of iban tokens: never valid, whatever ends are swapped or dropped', () => {
  const format = formatOf({ format: 'iban' }, { type: 'iban' });
  const values = ['DE89370400440532013000', 'NO9386011117947', 'GB29NWBK60161331926819'];
  fc.assert(
    fc.property(fc.constantFrom(...values), anyShard, (value, shard) => {
      const token = drawToken(format, value, shard);
      assert.equal(isValidIBAN(token), false);
      assert.ok(Number(token.slice(2, 4)) >= 2 && Number(token.slice(2, 4)) <= 98);
    }),
    { numRuns: 3000 },
  );
  assert.equal(format.spaceOf('NO9386011117947').capacity, 96n * 10n ** 11n);
  assert.equal(format.capacity, 96n * 10n ** 11n);
  // One right pair of check digits in 02–98, so of all 100 texts 96 are tokens.
  const pairs = Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, '0'));
  const tokens = pairs.filter((pair) => format.matches(`NO${pair}86011117947`));
  assert.equal(tokens.length, 96);
  assert.ok(!tokens.includes('93'));
  for (const text of [
    'NO9386011117947',
    'NO128601111794',
    'XX1286011117947',
    'no1286011117947',
    '',
  ]) {
    assert.equal(format.matches(text), false, text);
  }
});

test('uuid tokens are version 8, variant 10, and nothing else is fixed', () => {
  const format = formatOf({ format: 'uuid' }, { type: 'text' });
  const seen = Array.from({ length: 36 }, () => new Set<string>());
  fc.assert(
    fc.property(anyShard, (shard) => {
      const token = drawToken(format, 'any value', shard);
      assert.match(token, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.ok(shard === undefined || shardOf(token) === shard);
      for (const [at, character] of Array.from(token).entries()) {
        seen[at]?.add(character);
      }
    }),
    { numRuns: 2000 },
  );
  const sizes = seen.map(({ size }) => size);
  assert.deepEqual(new Set(sizes), new Set([16, 1, 4]));
  assert.deepEqual([sizes.filter((size) => size === 1).length, sizes[19]], [5, 4]);
  assert.deepEqual([format.capacity, format.isSmall], [2n ** 122n, false]);
});

test('email tokens are 26 random characters at the domain that the policy names', () => {
  const type = { type: 'email' };
  const cases: [Record<string, unknown>, string, string][] = [
    [{}, 'token.invalid', ''],
    [{ domain: 'mail.example.com' }, 'mail.example.com', ''],
    [{ domain: 'keep' }, 'example.org', 'example.org'],
  ];
  for (const [options, domain, kept] of cases) {
    const format = formatOf({ format: 'email', ...options }, type);
    const tokens = new Set<string>();
    for (let shard = 0; shard < 256; shard += 1) {
      const token = drawToken(format, 'Ada.L+x@example.org', shard);
      assert.match(token, new RegExp(`^[0-9a-hjkmnp-tv-z]{26}@${domain.replaceAll('.', '\\.')}$`));
      assert.equal(shardOf(token), shard);
      tokens.add(token.slice(0, 10));
    }
    assert.ok(tokens.size > 250);
    assert.equal(format.spaceOf('a@example.org').kept, kept);
    assert.equal(format.isSmall, false);
  }
  const fixed = formatOf({ format: 'email' }, type);
  const local = '0w3hk8z5v1n9c7t2xq4mr6jdbe';
  assert.ok(fixed.matches(`${local}@token.invalid`));
  for (const text of [
    `${local}@example.org`,
    `${local}@TOKEN.invalid`,
    `i${local.slice(1)}@token.invalid`,
    `@token.invalid`,
    local,
    '',
  ]) {
    assert.equal(fixed.matches(text), false, text);
  }
  const long = `${'a'.repeat(60)}.`.repeat(4);
  assert.throws(
    () => formatOf({ format: 'email', domain: 'keep' }, type).spaceOf(`a@${long}org`),
    (error) => error instanceof VaultError && error.problems[0]?.rule === 'too_long_for_format',
  );
});
