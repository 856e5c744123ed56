import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { getCountries, getExampleNumber } from 'libphonenumber-js/min';
import examples from 'libphonenumber-js/mobile/examples';
import { VaultError } from '../errors.ts';
import { normalise } from './normalise.ts';
import { compilePattern } from './pattern.ts';
import type { ValueType } from './types.ts';

const PATTERN = '[A-Z]{2}-[0-9]{6,12}';

const TYPES: { [Kind in ValueType['kind']]: Extract<ValueType, { kind: Kind }> } = {
  text: { kind: 'text' },
  email: { kind: 'email' },
  phone: { kind: 'phone' },
  card: { kind: 'card' },
  iban: { kind: 'iban' },
  'us-ssn': { kind: 'us-ssn' },
  date: { kind: 'date' },
  integer: { kind: 'integer' },
  uuid: { kind: 'uuid' },
  digits: { kind: 'digits', minLength: 3, maxLength: 5 },
  pattern: { kind: 'pattern', source: PATTERN, matches: compilePattern(PATTERN) ?? assert.fail() },
};

/** The normal form, or `undefined`. Fails on any error but a bare `value_invalid`. */
function attempt(type: ValueType, raw: string, maxBytes = 4096): string | undefined {
  try {
    return normalise(type, raw, maxBytes);
  } catch (error) {
    assert.ok(error instanceof VaultError);
    assert.equal(error.code, 'value_invalid');
    assert.equal(error.message, 'The value does not fit its field');
    assert.equal(error.cause, undefined);
    assert.deepEqual(error.problems.map(Object.keys), [['path', 'rule']]);
    assert.equal(error.problems[0]?.path, '/value');
    return undefined;
  }
}

function ruleOf(type: ValueType, raw: string, maxBytes = 4096): string | undefined {
  try {
    normalise(type, raw, maxBytes);
  } catch (error) {
    return error instanceof VaultError ? error.problems[0]?.rule : undefined;
  }
  return undefined;
}

test('every type refuses empty, over-long and ill-formed values, and all but text refuse NUL', () => {
  for (const type of Object.values(TYPES)) {
    assert.equal(ruleOf(type, ''), 'empty');
    assert.equal(ruleOf(type, 'é'.repeat(6), 11), 'too_long');
    assert.equal(ruleOf(type, '1'.repeat(12), 11), 'too_long');
    assert.equal(ruleOf(type, 'a\ud800'), 'lone_surrogate');
    assert.equal(ruleOf(type, '\udc00\ud800'), 'lone_surrogate');
    assert.equal(ruleOf(type, '12\0'), type.kind === 'text' ? undefined : 'nul');
  }
  const any = compilePattern('(?s).*') ?? assert.fail();
  assert.equal(ruleOf({ kind: 'pattern', source: '(?s).*', matches: any }, 'a\0'), 'nul');
});

test('maxBytes counts the UTF-8 of the raw value, exactly', () => {
  assert.equal(normalise(TYPES.text, 'é'.repeat(5), 10), 'é'.repeat(5));
  assert.equal(ruleOf(TYPES.text, '😀😀', 7), 'too_long');
  assert.equal(ruleOf(TYPES.text, '€'.repeat(5), 14), 'too_long');
  assert.equal(ruleOf(TYPES.text, '€'.repeat(5), 11), 'too_long');
  assert.equal(normalise(TYPES.text, '😀😀', 8), '😀😀');
  assert.equal(ruleOf(TYPES.card, ' 4111 1111 1111 1111 ', 16), 'too_long');
});

test('integer bounds are inclusive', () => {
  const type: ValueType = { kind: 'integer', min: -5n, max: 7n };
  assert.deepEqual(
    ['-6', '-5', '7', '8'].map((raw) => ruleOf(type, raw)),
    ['out_of_range', undefined, undefined, 'out_of_range'],
  );
});

test('a number of every country is accepted, in E.164, and is its own normal form', () => {
  for (const country of getCountries()) {
    const example = getExampleNumber(country, examples) ?? assert.fail(country);
    const normal = normalise(TYPES.phone, example.formatInternational(), 4096);
    assert.equal(normal, example.number);
    assert.equal(normalise(TYPES.phone, normal, 4096), normal);
  }
});

/** Texts near every grammar: digits of several scripts, separators, letters that fold into ASCII, halves of characters. */
const near = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...'0123456789',
      ...'0123456789',
      ...'+- @./()ABGEeab,;',
      '٣',
      '１',
      'ı',
      'ſ',
      '\u212a',
      '\u00a0',
      '\0',
      '😀',
      '\ud800',
      '\udc00',
    ),
  ),
  maxLength: 24,
});

/** Well-shaped texts of each type, most of them valid. */
const shaped = fc.oneof(
  near,
  fc.emailAddress(),
  fc.uuid(),
  fc.bigInt().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
  fc.stringMatching(/^\+(1|44|49|54|55|52|39|7|86)[0-9 ]{7,12}$/),
  fc.stringMatching(/^[0-9]{3}-[0-9]{2}-[0-9]{4}$/),
  fc.stringMatching(/^[0-9]{12,19}$/),
  fc.constantFrom(
    '4111 1111-1111 1111',
    'gb82 west 1234 5698 7654 32',
    '+44(0)2079460958',
    'AB-123456',
    ' A@B.example ',
  ),
);

test('a normal form is its own normal form, for every type and value', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(TYPES)), shaped, (type, raw) => {
      const normal = attempt(type, raw);
      if (normal !== undefined) {
        assert.equal(normalise(type, normal, 4096), normal);
        assert.ok(type.kind === 'text' || /^[\x20-\x7e]+$/.test(normal), 'ASCII but for text');
      }
    }),
    { numRuns: 5000 },
  );
});

test('garbage meets value_invalid and nothing else, and no error shows any of it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(TYPES)),
      near,
      fc.nat({ max: 60 }),
      (type, noise, maxBytes) => {
        const raw = `zq8x${noise}`;
        attempt(type, raw, maxBytes);
        attempt(type, noise, maxBytes);
        try {
          normalise(type, raw, maxBytes);
        } catch (error) {
          assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('zq8x'));
        }
      },
    ),
    { numRuns: 3000 },
  );
});
