import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawToken, formatOf, random } from '../../../test/helpers/token-formats.ts';
import { VaultError } from '../errors.ts';
import { isTokenAlphabet, SEPARATORS } from './characters.ts';
import { shardOf } from './shard.ts';

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ALPHABETS = {
  digits: '0123456789',
  alphanumeric: ALPHANUMERIC,
  custom: 'ACGT-_!~'.replace('~', ''),
} as const;
const KINDS = Object.keys(ALPHABETS) as (keyof typeof ALPHABETS)[];

const anyCase = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    keepFirst: fc.nat(8),
    keepLast: fc.nat(4),
    mode: fc.constantFrom('random', 'fpe'),
  })
  .chain(({ kind, keepFirst, keepLast, mode }) => {
    const character = fc.constantFrom(...ALPHABETS[kind], ...SEPARATORS);
    return fc.record({
      kind: fc.constant(kind),
      token: fc.constant({
        mode,
        format: kind,
        keepFirst,
        keepLast,
        ...(kind === 'custom' && { alphabet: ALPHABETS.custom }),
      }),
      value: fc.string({ unit: character, minLength: 1, maxLength: 60 }),
      shard: fc.option(fc.nat(255), { nil: undefined }),
    });
  });

/** Rule by which a value was refused, or `undefined`. */
function refusalOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof VaultError && error.code === 'value_invalid');
    return error.problems[0]?.rule;
  }
}

const replacedOf = (kind: keyof typeof ALPHABETS, text: string) =>
  Array.from(text).filter((character) => ALPHABETS[kind].includes(character));

test('tokens keep length, separators and the kept characters at both ends, and lie in the shard', () => {
  fc.assert(
    fc.property(anyCase, ({ kind, token: options, value, shard }) => {
      const format = formatOf({ ...options, mode: 'random' }, { type: 'text' });
      const { keepFirst, keepLast } = options;
      const before = replacedOf(kind, value);
      if (before.length - keepFirst - keepLast < 1) {
        assert.equal(
          refusalOf(() => format.spaceOf(value)),
          'too_short_for_format',
        );
        return;
      }
      const token = format.spaceOf(value).draw(random, shard);
      if (token === undefined) {
        assert.ok(shard !== undefined);
        return;
      }
      const after = replacedOf(kind, token);
      assert.ok(format.matches(token));
      assert.equal(token.length, value.length);
      assert.deepEqual(after.slice(0, keepFirst), before.slice(0, keepFirst));
      assert.deepEqual(
        after.slice(after.length - keepLast),
        before.slice(before.length - keepLast),
      );
      for (const [at, character] of Array.from(value).entries()) {
        assert.ok(ALPHABETS[kind].includes(character) || token.charAt(at) === character);
      }
      assert.ok(shard === undefined || shardOf(token) === shard);
    }),
    { numRuns: 3000 },
  );
});

test('FF1 reads and writes the same places: every choice of digits comes back, value and token alike', () => {
  fc.assert(
    fc.property(anyCase, fc.infiniteStream(fc.nat(61)), ({ token: options, value }, stream) => {
      const codec = formatOf({ ...options, mode: 'fpe' }, { type: 'text' }).ff1;
      assert.ok(codec !== undefined);
      const refusal = refusalOf(() => codec.ofValue(value));
      if (refusal !== undefined) {
        assert.equal(refusal, 'too_short_for_format');
        assert.equal(codec.ofToken(value), undefined);
        return;
      }
      const plain = codec.ofValue(value);
      assert.ok(plain.radix ** plain.digits.length >= 1_000_000);
      const digits = [...stream.take(plain.digits.length)].map((digit) => digit % plain.radix);
      const token = codec.toToken(value, digits);
      assert.deepEqual(codec.ofToken(token), { radix: plain.radix, digits, kept: plain.kept });
      assert.equal(codec.toValue(token, plain.digits), value);
    }),
    { numRuns: 3000 },
  );
});

test('what is kept is told with its places: other kept parts are other tweaks', () => {
  const codec = formatOf(
    { mode: 'fpe', format: 'alphanumeric', keepFirst: 1, keepLast: 1 },
    { type: 'text' },
  ).ff1;
  const values = [
    'a-bcdefg',
    'b-bcdefg',
    'a-bcdefh',
    'ab-cdefg',
    'a.bcdefg',
    'a-bcdef0g',
    'abcdefg',
  ];
  assert.equal(new Set(values.map((value) => codec?.ofValue(value).kept)).size, values.length);
  assert.equal(codec?.ofValue('a-bcdefg').kept, 'a-•••••g');
});

test('FF1 refuses less than 1,000,000 texts, and more characters than a token may have', () => {
  const least = { digits: 6, alphanumeric: 4, custom: 8 } as const;
  for (const kind of KINDS) {
    const options = kind === 'custom' ? { alphabet: ALPHABETS.custom } : {};
    const codec = formatOf({ mode: 'fpe', format: kind, ...options }, { type: 'text' }).ff1;
    const text = (length: number) => ALPHABETS[kind].charAt(1).repeat(length);
    assert.equal(codec?.ofValue(text(least[kind])).digits.length, least[kind]);
    assert.equal(
      refusalOf(() => codec?.ofValue(text(least[kind] - 1))),
      'too_short_for_format',
    );
    assert.equal(codec?.ofValue(text(256)).digits.length, 256);
    assert.equal(
      refusalOf(() => codec?.ofValue(text(257))),
      'too_long_for_format',
    );
    assert.equal(codec?.ofToken(text(257)), undefined);
  }
});

test('digits of other scripts, look-alikes, emoji, NUL and a vault’s own signs are refused, not kept', () => {
  const strangers = ['٣', '３', '𝟗', 'О', 'é', '😀', '\0', '\n', '~', '•', '\u200b', '²'];
  for (const kind of KINDS) {
    const options = kind === 'custom' ? { alphabet: ALPHABETS.custom } : {};
    const type = { type: 'text' };
    for (const mode of ['random', 'fpe']) {
      const format = formatOf({ mode, format: kind, ...options }, type);
      const body = ALPHABETS[kind].slice(1, 3).repeat(6);
      for (const stranger of strangers) {
        for (const text of [stranger + body, body + stranger]) {
          assert.equal(
            refusalOf(() => format.spaceOf(text)),
            'format_unfit',
          );
          assert.equal(format.matches(text), false);
          assert.equal(format.ff1?.ofToken(text), undefined);
        }
      }
    }
  }
});

test('a token has the outline of its type', () => {
  const cases: [string, Record<string, unknown>, string, string[]][] = [
    ['us-ssn', {}, '123-45-6789', ['1234-5-6789', '123456789', '123-45-67890', '123-45-6789-']],
    ['date', {}, '1815-12-10', ['18151210', '1815-12-100']],
    ['integer', { min: 1_000_000 }, '1234567', ['123456-7', '12 34567', '1'.repeat(20)]],
    ['phone', {}, '+493012345678', ['493012345678', '+49 3012345678']],
    ['digits', { length: [7, 9] }, '12345678', ['123456', '1234567890', '123-45678']],
  ];
  for (const [type, options, value, others] of cases) {
    const format = formatOf({ mode: 'random', format: 'digits' }, { type, ...options });
    assert.ok(format.matches(drawToken(format, value)));
    for (const other of others) {
      assert.equal(format.matches(other), false, `${type} ${other}`);
    }
  }
  const coded = formatOf({ mode: 'fpe', format: 'digits' }, { type: 'digits', length: [7, 9] }).ff1;
  assert.notEqual(coded?.ofToken('12345678'), undefined);
  assert.equal(coded?.ofToken('123456'), undefined);
  assert.equal(coded?.ofToken('123-45678'), undefined);
  const hyphens = { mode: 'random', format: 'custom', alphabet: '0123456789-' };
  assert.ok(drawToken(formatOf(hyphens, { type: 'date' }), '1815-12-10').length === 10);
});

test('the capacity is of the shortest value, and what one value has is said with it', () => {
  const digits = formatOf({ format: 'digits', keepLast: 2 }, { type: 'digits', length: [5, 9] });
  assert.equal(digits.capacity, 1_000n);
  assert.equal(digits.spaceOf('123456789').capacity, 10n ** 7n);
  assert.deepEqual([digits.isSmall, digits.spaceOf('12345').kept], [true, '•••45']);
  const uuid = formatOf({ format: 'alphanumeric' }, { type: 'uuid' });
  assert.deepEqual([uuid.capacity, uuid.isSmall], [62n ** 32n, false]);
  const pattern = formatOf({ format: 'digits' }, { type: 'pattern', pattern: '[0-9]{8}' });
  assert.equal(pattern.capacity, 10n ** 8n);
  assert.equal(formatOf({ format: 'digits' }, { type: 'text' }).capacity, 10n);
});

test('a stored token is never its own value, and every other one can be drawn', () => {
  const format = formatOf({ format: 'digits' }, { type: 'digits', length: 2 });
  const tokens = new Set(Array.from({ length: 3_000 }, () => drawToken(format, '17')));
  assert.equal(tokens.size, 99);
  assert.equal(tokens.has('17'), false);
  const only = formatOf({ format: 'integer', min: 7, max: 7 }, { type: 'integer' });
  assert.equal(only.spaceOf('7').draw(random), undefined);
});

test('an alphabet has 2 to 93 printable characters, each once, and neither space nor tilde', () => {
  const all = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('');
  assert.ok(isTokenAlphabet(all.slice(0, 93)) && isTokenAlphabet('01'));
  for (const text of ['', '0', '00', '010', all, '0 1', '0~', '0é', '0\n', '01٣', '0😀']) {
    assert.equal(isTokenAlphabet(text), false, text);
  }
});
