import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countValues, parseValueType, type ValueType } from './types.ts';

type Input = Parameters<typeof parseValueType>[0];

const typeOf = (input: Input): ValueType => {
  const { type, problems } = parseValueType(input, 'fields.x');
  assert.deepEqual(problems, []);
  return type ?? assert.fail('no type');
};

const problemsOf = (input: Input): string[] => {
  const { type, problems } = parseValueType(input, 'fields.x');
  assert.equal(type, undefined);
  return problems.map(({ path, rule }) => `${path} ${rule}`);
};

test('every type without options is read by its name', () => {
  for (const kind of [
    'text',
    'email',
    'phone',
    'card',
    'iban',
    'us-ssn',
    'date',
    'integer',
    'uuid',
  ]) {
    assert.deepEqual(typeOf({ type: kind }), { kind });
  }
});

test('digits take a length or a range of lengths', () => {
  assert.deepEqual(typeOf({ type: 'digits', length: 9 }), {
    kind: 'digits',
    minLength: 9,
    maxLength: 9,
  });
  assert.deepEqual(typeOf({ type: 'digits', length: [12, 19] }), {
    kind: 'digits',
    minLength: 12,
    maxLength: 19,
  });
});

test('bad lengths are refused by path', () => {
  for (const length of [
    undefined,
    0,
    -1,
    1.5,
    '9',
    257,
    [],
    [3],
    [1, 2, 3],
    [4, 3],
    [0, 3],
    [1, 257],
    {},
    Number.NaN,
  ]) {
    assert.deepEqual(problemsOf({ type: 'digits', length }), ['fields.x.length length_invalid']);
  }
});

test('a pattern is compiled, and matches whole texts only', () => {
  const type = typeOf({ type: 'pattern', pattern: '[A-Z]{2}-[0-9]{6,12}' });
  assert.ok(type.kind === 'pattern' && type.source === '[A-Z]{2}-[0-9]{6,12}');
  assert.ok(type.matches('AB-123456'));
  assert.ok(!type.matches('xAB-123456') && !type.matches('AB-123456\n'));
});

test('patterns that are missing, wrong, too long or too large are refused', () => {
  const patterns = [
    undefined,
    '',
    5,
    '(',
    '(?=a)',
    '\\1',
    'a{1001}',
    'a'.repeat(1001),
    'a{1000}'.repeat(9),
    '\ud800',
  ];
  for (const pattern of patterns) {
    assert.deepEqual(problemsOf({ type: 'pattern', pattern }), [
      'fields.x.pattern pattern_invalid',
    ]);
  }
});

test('integers take inclusive bounds, whole and in order', () => {
  assert.deepEqual(typeOf({ type: 'integer', min: -5, max: 7 }), {
    kind: 'integer',
    min: -5n,
    max: 7n,
  });
  assert.deepEqual(typeOf({ type: 'integer', max: 0 }), { kind: 'integer', max: 0n });
  assert.deepEqual(problemsOf({ type: 'integer', min: 2, max: 1 }), ['fields.x.min bound_invalid']);
  assert.deepEqual(problemsOf({ type: 'integer', min: 0.5, max: '1' }), [
    'fields.x.min bound_invalid',
    'fields.x.max bound_invalid',
  ]);
  assert.deepEqual(problemsOf({ type: 'integer', max: 2 ** 53 }), ['fields.x.max bound_invalid']);
});

test('unknown types and options of other types are refused, all at once', () => {
  assert.deepEqual(problemsOf({ type: 'constructor' }), ['fields.x.type type_unknown']);
  assert.deepEqual(problemsOf({ type: 'Email' }), ['fields.x.type type_unknown']);
  assert.deepEqual(problemsOf({ type: 'digits', length: 0, pattern: 'a', min: 1 }), [
    'fields.x.pattern option_unfit',
    'fields.x.min option_unfit',
    'fields.x.length length_invalid',
  ]);
});

test('values are counted at the shortest length, never too high', () => {
  const counts: [Input, number][] = [
    [{ type: 'text' }, Number.POSITIVE_INFINITY],
    [{ type: 'email' }, 1e15],
    [{ type: 'uuid' }, 1e15],
    [{ type: 'phone' }, 1e9],
    [{ type: 'card' }, 1e11],
    [{ type: 'iban' }, 1e10],
    [{ type: 'us-ssn' }, 888_931_098],
    [{ type: 'date' }, 36_525],
    [{ type: 'integer' }, 1e15],
    [{ type: 'integer', min: 1 }, 1e15],
    [{ type: 'integer', min: -5, max: 4 }, 10],
    [{ type: 'digits', length: [5, 19] }, 1e5],
    [{ type: 'digits', length: 256 }, 1e15],
    [{ type: 'pattern', pattern: '[A-Z]{2}-[0-9]{6,12}' }, 676e6],
    [{ type: 'pattern', pattern: '[0-9]{3,4}' }, 1000],
  ];
  for (const [input, count] of counts) {
    assert.equal(countValues(typeOf(input)), count, JSON.stringify(input));
  }
});
