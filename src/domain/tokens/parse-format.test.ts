import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf, lintFormat } from '../../../test/helpers/token-formats.ts';
import { tokenSchema } from '../policy/document.ts';
import { FORMAT_KINDS } from './format.ts';
import { FORMATS } from './formats.ts';
import { parseFormat } from './parse-format.ts';

const TEXT = { type: 'text' };
const CARD = { type: 'card' };
const problemsOf = (
  token: Record<string, unknown>,
  type: { type: string; [key: string]: unknown },
) => lintFormat(token, type).problems;

test('each mode takes its formats and no others', () => {
  const modes = {
    siv: ['opaque'],
    volatile: ['opaque'],
    fpe: ['card', 'digits', 'alphanumeric', 'custom'],
  };
  for (const [mode, formats] of Object.entries(modes)) {
    for (const format of FORMAT_KINDS) {
      const type = { type: FORMATS[format].types[0] ?? '' };
      const options = format === 'custom' ? { alphabet: 'abc' } : {};
      const isRefused = problemsOf({ mode, format, ...options }, type).includes(
        'token.format format_unfit',
      );
      assert.equal(isRefused, !formats.includes(format), `${mode} ${format}`);
    }
  }
  for (const format of FORMAT_KINDS) {
    assert.deepEqual(FORMATS[format].modes.slice(0, 2), ['random', 'deterministic']);
  }
});

test('a format that cannot hold the values of a type is refused', () => {
  const unfit: [string, string][] = [
    ['card', 'digits'],
    ['us-ssn', 'text'],
    ['email', 'text'],
    ['phone', 'digits'],
    ['iban', 'text'],
    ['digits', 'email'],
    ['digits', 'iban'],
    ['alphanumeric', 'email'],
  ];
  for (const [format, type] of unfit) {
    assert.deepEqual(problemsOf({ format }, { type, length: type === 'digits' ? 9 : undefined }), [
      'token.format format_unfit',
    ]);
  }
});

test('a card number gets no token of digits but one that the Luhn rule keeps from being a card', () => {
  for (const format of FORMAT_KINDS) {
    const isTaken = ['opaque', 'uuid', 'card'].includes(format);
    const options = format === 'custom' ? { alphabet: '0123456789' } : {};
    assert.equal(problemsOf({ format, ...options }, CARD).length === 0, isTaken, format);
  }
});

test('options that a format does not have are refused, each at its path', () => {
  const options = {
    prefix: 'tok',
    keepFirst: 0,
    keepLast: 0,
    luhn: 'any',
    alphabet: 'ab',
    domain: 'keep',
    min: 1,
    max: 2,
  };
  for (const format of FORMAT_KINDS) {
    const row = FORMATS[format];
    const type = { type: row.types[0] ?? '' };
    assert.deepEqual(
      problemsOf({ format, ...options }, type),
      Object.keys(options)
        .filter((option) => !row.options.some((own) => own === option))
        .map((option) => `token.${option} option_unfit`),
      format,
    );
  }
});

test('FF1 must permute 1,000,000 texts of the shortest value, and as many values must exist', () => {
  const fpe = (format: string, type: { type: string; [key: string]: unknown }, options = {}) =>
    problemsOf({ mode: 'fpe', format, ...options }, type);
  const few = ['token ff1_space_too_small'];
  const digits = (length: unknown) => ({ type: 'digits', length });
  assert.deepEqual(fpe('digits', digits(10), { keepLast: 4 }), []);
  assert.deepEqual(fpe('digits', digits(9), { keepLast: 4 }), few);
  assert.deepEqual(fpe('digits', digits([5, 12])), few);
  assert.deepEqual(fpe('alphanumeric', digits(6), { keepFirst: 2 }), []);
  assert.deepEqual(fpe('alphanumeric', digits(6), { keepFirst: 3 }), few);
  assert.deepEqual(fpe('custom', digits(19), { alphabet: '01' }), few);
  assert.deepEqual(fpe('custom', digits(20), { alphabet: '01' }), []);
  assert.deepEqual(fpe('digits', { type: 'us-ssn' }, { keepLast: 4 }), few);
  assert.deepEqual(fpe('digits', { type: 'us-ssn' }, { keepLast: 3 }), []);
  assert.deepEqual(fpe('digits', { type: 'date' }), few);
  assert.deepEqual(fpe('digits', { type: 'integer' }), few);
  assert.deepEqual(fpe('digits', { type: 'integer', min: 1_000_000, max: 9_000_000_000 }), []);
  assert.deepEqual(fpe('digits', { type: 'pattern', pattern: '[0-9]{5}' }), few);
  assert.deepEqual(fpe('digits', { type: 'pattern', pattern: '[0-9]{8}' }, { keepLast: 2 }), []);
  assert.deepEqual(fpe('digits', { type: 'pattern', pattern: '[0-9]{8}' }, { keepLast: 3 }), few);
  assert.deepEqual(
    fpe('alphanumeric', { type: 'pattern', pattern: '[A-Z]{40}' }, { keepFirst: 8 }),
    [],
  );
  assert.deepEqual(fpe('digits', TEXT, { keepFirst: 8, keepLast: 4 }), []);
});

test('the Luhn digit of a card is not permuted: it counts as kept', () => {
  const fpe = (keepFirst: number, luhn?: string) =>
    problemsOf(
      { mode: 'fpe', format: 'card', keepFirst, keepLast: 4, ...(luhn && { luhn }) },
      CARD,
    );
  const few = ['token ff1_space_too_small'];
  assert.deepEqual([fpe(5), fpe(6), fpe(6, 'pass')], [[], few, few]);
  assert.deepEqual([fpe(6, 'any'), fpe(7, 'any')], [[], few]);
});

test('a value that would be kept whole, bounds that are none, and a custom format without alphabet', () => {
  const cases: [Record<string, unknown>, string[]][] = [
    [{ format: 'custom' }, ['token.alphabet required']],
    [{ format: 'date', min: 3000 }, ['token.min bound_invalid']],
    [{ format: 'date', max: '2001-02-29' }, ['token.max bound_invalid']],
    [{ format: 'date', min: '2001-01-02', max: '2001-01-01' }, ['token.min bound_invalid']],
    [{ format: 'integer', min: '1e3' }, ['token.min bound_invalid']],
    [{ format: 'integer', min: 5, max: 4 }, ['token.min bound_invalid']],
    [{ format: 'integer', max: 5 }, ['token.min bound_invalid']],
    [{ format: 'integer', max: '9223372036854775808' }, ['token.max bound_invalid']],
  ];
  for (const [token, problems] of cases) {
    assert.deepEqual(problemsOf(token, TEXT), problems, JSON.stringify(token));
  }
  const digits = (length: unknown) => ({ type: 'digits', length });
  const kept = { format: 'digits', keepFirst: 2, keepLast: 4 };
  assert.deepEqual(problemsOf(kept, digits([6, 9])), ['token nothing_free']);
  assert.deepEqual(problemsOf(kept, digits(7)), []);
});

test('a shape has every option with its default, and tells formats apart', () => {
  const shapes: [Record<string, unknown>, { type: string; [key: string]: unknown }, string][] = [
    [{}, TEXT, 'opaque prefix=tok'],
    [{ format: 'card', keepLast: 4 }, CARD, 'card keepFirst=0 keepLast=4 luhn=fail'],
    [{ format: 'digits' }, TEXT, 'digits keepFirst=0 keepLast=0'],
    [
      { format: 'custom', alphabet: 'b"=a' },
      TEXT,
      'custom alphabet="b\\"=a" keepFirst=0 keepLast=0',
    ],
    [{ format: 'email' }, { type: 'email' }, 'email domain=token.invalid'],
    [{ format: 'date' }, TEXT, 'date min=3000-01-01 max=9999-12-31'],
    [{ format: 'integer', min: '3', max: 7 }, TEXT, 'integer min=3 max=7'],
    [{ format: 'uuid' }, TEXT, 'uuid'],
  ];
  for (const [token, type, shape] of shapes) {
    assert.equal(formatOf(token, type).shape, shape);
  }
});

test('only mode fpe has an FF1 codec', () => {
  const digits = { type: 'digits', length: 9 };
  assert.equal(formatOf({ format: 'digits' }, digits).ff1, undefined);
  assert.notEqual(formatOf({ mode: 'fpe', format: 'digits' }, digits).ff1, undefined);
});

test('without a type the options are still checked', () => {
  const token = tokenSchema.parse({ mode: 'siv', format: 'uuid', luhn: 'any' });
  const { format, problems } = parseFormat({
    token,
    type: undefined,
    mode: 'siv',
    path: 'f.token',
  });
  assert.equal(format, undefined);
  assert.deepEqual(
    problems.map(({ path, rule }) => `${path} ${rule}`),
    ['f.token.format format_unfit', 'f.token.luhn option_unfit'],
  );
});
