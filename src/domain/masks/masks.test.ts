import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ValueType } from '../values/types.ts';
import { applyMask, type Mask, parseMask } from './masks.ts';

const TEXT: ValueType = { kind: 'text' };

/** Stands for the keyed digest: says nothing, and shows what it was asked. */
const asked: string[] = [];
const join = (value: string) => {
  asked.push(value);
  return 'digest';
};
const show = (mask: Mask, value: string) => applyMask({ mask, value, join });

const problemsOf = (input: unknown, type: ValueType = TEXT): string[] => {
  const { mask, problems } = parseMask(input, type, 'fields.x.views.v');
  assert.equal(mask, undefined);
  return problems.map(({ path, rule }) => `${path.replace('fields.x.views.v', '')} ${rule}`);
};

test('masks are read as the policy writes them', () => {
  const rows: [unknown, ValueType['kind'], unknown][] = [
    [{ mask: 'keep', first: 6, last: 4 }, 'card', { kind: 'keep', first: 6, last: 4 }],
    [{ mask: 'keep', last: 4 }, 'text', { kind: 'keep', first: 0, last: 4 }],
    [{ mask: 'email' }, 'email', { kind: 'email' }],
    [{ mask: 'initials' }, 'text', { kind: 'initials' }],
    [{ mask: 'year' }, 'date', { kind: 'year' }],
    [{ mask: 'redact' }, 'iban', { kind: 'redact' }],
    [{ mask: 'hash' }, 'card', { kind: 'hash' }],
    [{ mask: 'range', width: 2 }, 'integer', { kind: 'range', width: 2 }],
    [{ mask: 'range', width: 1 }, 'date', { kind: 'range', width: 1 }],
  ];
  for (const [input, kind, expected] of rows) {
    const { mask, problems } = parseMask(input, { kind } as ValueType, 'p');
    assert.deepEqual({ mask, problems }, { mask: expected, problems: [] });
  }
});

test('what is no mask, does not fit the type or has bad members is refused by path', () => {
  for (const input of [undefined, null, 'email', 5, [], ['keep']]) {
    assert.deepEqual(problemsOf(input), [' mask_invalid']);
  }
  for (const mask of [undefined, null, 'Keep', 'constructor', '__proto__', 1]) {
    assert.deepEqual(problemsOf({ mask }), ['.mask mask_unknown']);
  }
  for (const mask of ['email', 'year']) {
    assert.deepEqual(problemsOf({ mask }), ['.mask mask_unfit']);
  }
  assert.deepEqual(problemsOf({ mask: 'initials' }, { kind: 'card' }), ['.mask mask_unfit']);
  assert.deepEqual(problemsOf({ mask: 'range', width: 5 }), ['.mask mask_unfit']);
  assert.deepEqual(problemsOf({ mask: 'range' }, { kind: 'date' }), ['.width count_invalid']);
  for (const width of [undefined, 1, 0, -10, 2.5, '10', 2 ** 53]) {
    const problems = problemsOf({ mask: 'range', width }, { kind: 'integer' });
    assert.deepEqual(problems, ['.width count_invalid']);
  }
  assert.deepEqual(problemsOf({ mask: 'hash', width: 5 }), ['.width unknown_key']);
  assert.deepEqual(problemsOf({ mask: 'redact', last: 4 }), ['.last unknown_key']);
  for (const bad of [-1, 1.5, '4', null, 65, Number.NaN]) {
    assert.deepEqual(problemsOf({ mask: 'keep', first: bad }), ['.first count_invalid']);
  }
  assert.deepEqual(problemsOf({ mask: 'keep', first: -1, last: 65, middle: 1 }), [
    '.middle unknown_key',
    '.first count_invalid',
    '.last count_invalid',
  ]);
});

test('masks show what DESIGN §5 says', () => {
  const rows: [Mask, string, string][] = [
    [{ kind: 'keep', first: 6, last: 4 }, '4111111111111111', '411111••••••1111'],
    [{ kind: 'keep', first: 0, last: 4 }, '123-45-6789', '•••••••6789'],
    [{ kind: 'keep', first: 0, last: 4 }, '12345', '•2345'],
    [{ kind: 'keep', first: 0, last: 4 }, '1234', '••••'],
    [{ kind: 'keep', first: 2, last: 2 }, '123', '•••'],
    [{ kind: 'keep', first: 0, last: 0 }, 'abc', '•••'],
    [{ kind: 'keep', first: 1, last: 1 }, '😀x😁', '😀•😁'],
    [{ kind: 'email' }, 'jane.doe@example.com', 'j•••@example.com'],
    [{ kind: 'email' }, 'j@example.com', 'j•••@example.com'],
    [{ kind: 'email' }, 'a@b@example.com', 'a•••@example.com'],
    [{ kind: 'email' }, 'not an address', '•••'],
    [{ kind: 'email' }, '@example.com', '•••'],
    [{ kind: 'initials' }, 'Ada Lovelace', 'A. L.'],
    [{ kind: 'initials' }, '  ada\tking  lovelace ', 'A. K. L.'],
    [{ kind: 'initials' }, 'Jean-Luc "Q" Picard 3', 'J. Q. P.'],
    [{ kind: 'initials' }, 'Élodie E\u0301va 𝒳eno', 'É. E\u0301. 𝒳.'],
    [{ kind: 'initials' }, '李 小龙', '李. 小.'],
    [{ kind: 'initials' }, '42 !', '•••'],
    [{ kind: 'year' }, '1815-12-10', '1815'],
    [{ kind: 'year' }, '18151210', '•••'],
    [{ kind: 'redact' }, 'whatever', '•••'],
    [{ kind: 'hash' }, 'whatever', 'digest'],
    [{ kind: 'range', width: 10 }, '34', '30..39'],
    [{ kind: 'range', width: 10 }, '30', '30..39'],
    [{ kind: 'range', width: 10 }, '39', '30..39'],
    [{ kind: 'range', width: 10 }, '0', '0..9'],
    [{ kind: 'range', width: 10 }, '-1', '-10..-1'],
    [{ kind: 'range', width: 10 }, '-10', '-10..-1'],
    [{ kind: 'range', width: 10 }, '-11', '-20..-11'],
    [
      { kind: 'range', width: 1000 },
      '9223372036854775807',
      '9223372036854775000..9223372036854775999',
    ],
    [
      { kind: 'range', width: 3 },
      '-9223372036854775807',
      '-9223372036854775809..-9223372036854775807',
    ],
    [{ kind: 'range', width: 10 }, '1815-12-10', '1810..1819'],
    [{ kind: 'range', width: 25 }, '0007-01-01', '0000..0024'],
    [{ kind: 'range', width: 1 }, '1815-12-10', '1815..1815'],
    [{ kind: 'range', width: 10 }, '1815-12', '•••'],
    [{ kind: 'range', width: 10 }, '3.5', '•••'],
  ];
  for (const [mask, value, shown] of rows) {
    assert.equal(show(mask, value), shown);
  }
});

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('•', '@', ' ', '-', '\ud800', '\udc00', '\0', '\u0301'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});
const count = fc.nat({ max: 64 });

test('keep never shows more than first + last characters, and nothing of a value that short', () => {
  fc.assert(
    fc.property(anyText, count, count, (value, first, last) => {
      const before = Array.from(value);
      const after = Array.from(show({ kind: 'keep', first, last }, value));
      assert.equal(after.length, before.length);
      const isShort = before.length <= first + last;
      const hidden = before.slice(
        isShort ? 0 : first,
        isShort ? before.length : before.length - last,
      );
      assert.deepEqual(
        after.slice(isShort ? 0 : first, (isShort ? 0 : first) + hidden.length),
        hidden.map(() => '•'),
      );
    }),
  );
});

test('redact is the same for every value, email tells no length, initials show few characters a word', () => {
  fc.assert(
    fc.property(anyText, (value) => {
      assert.equal(show({ kind: 'redact' }, value), '•••');
      const shown = show({ kind: 'initials' }, `a${'\u0301'.repeat(50)}${value}`);
      assert.ok(shown.split(' ').every((initial) => Array.from(initial).length <= 6));
      const local = value.replaceAll('@', '');
      fc.pre(local !== '');
      const [first = ''] = Array.from(local);
      assert.equal(show({ kind: 'email' }, `${local}@b.c`), `${first}•••@b.c`);
    }),
  );
});

test('no mask throws or cuts a character in two, whatever the value', () => {
  const masks: Mask[] = [
    { kind: 'keep', first: 1, last: 1 },
    { kind: 'email' },
    { kind: 'initials' },
    { kind: 'year' },
    { kind: 'redact' },
    { kind: 'hash' },
    { kind: 'range', width: 7 },
  ];
  fc.assert(
    fc.property(anyText, fc.constantFrom(...masks), (value, mask) => {
      const shown = show(mask, value);
      assert.ok(!value.isWellFormed() || shown.isWellFormed());
    }),
  );
});

const anyInteger = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
const anyWidth = fc.oneof(
  fc.integer({ min: 2, max: 100 }),
  fc.maxSafeNat().map((n) => n + 2),
);

test('range shows a bucket of its width that holds the value, and the same one for all values in it', () => {
  fc.assert(
    fc.property(anyInteger, anyWidth, fc.maxSafeNat(), (value, width, offset) => {
      fc.pre(Number.isSafeInteger(width));
      const mask = { kind: 'range', width } as const;
      const shown = show(mask, String(value));
      const [from = 0n, to = 0n] = shown.split('..').map(BigInt);
      assert.ok(from <= value && value <= to, shown);
      assert.equal(to - from + 1n, BigInt(width));
      assert.equal(from % BigInt(width), 0n);
      const neighbour = from + BigInt(offset % width);
      assert.equal(show(mask, String(neighbour)), shown);
    }),
  );
});

test('range shows nothing of month and day, and hash nothing but the digest', () => {
  const anyDate = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true,
  });
  const iso = (date: Date) => date.toISOString().slice(0, 10);
  fc.assert(
    fc.property(anyDate, fc.integer({ min: 1, max: 200 }), (date, width) => {
      const mask = { kind: 'range', width } as const;
      const shown = show(mask, iso(date));
      assert.match(shown, /^\d{4}\.\.\d{4,5}$/);
      assert.equal(show(mask, `${iso(date).slice(0, 4)}-01-01`), shown);
    }),
  );
  fc.assert(
    fc.property(anyText, (value) => {
      assert.equal(show({ kind: 'hash' }, value), 'digest');
      assert.equal(asked.at(-1), value);
    }),
  );
});
