import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ValueType } from '../values/types.ts';
import { applyMask, isBuiltMask, type Mask, parseMask } from './masks.ts';

const TEXT: ValueType = { kind: 'text' };

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
  ];
  for (const [input, kind, expected] of rows) {
    const { mask, problems } = parseMask(input, { kind } as ValueType, 'p');
    assert.deepEqual({ mask, problems }, { mask: expected, problems: [] });
    assert.ok(mask !== undefined && isBuiltMask(mask));
  }
});

test('hash and range are read, but are not masks that can be applied', () => {
  const hash = parseMask({ mask: 'hash' }, TEXT, 'p').mask;
  const range = parseMask({ mask: 'range', width: 10 }, { kind: 'integer' }, 'p').mask;
  assert.deepEqual([hash, range], [{ kind: 'hash' }, { kind: 'range', width: 10 }]);
  assert.ok(hash !== undefined && range !== undefined && !isBuiltMask(hash) && !isBuiltMask(range));
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
  ];
  for (const [mask, value, shown] of rows) {
    assert.equal(applyMask(mask, value), shown);
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
      const after = Array.from(applyMask({ kind: 'keep', first, last }, value));
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
      assert.equal(applyMask({ kind: 'redact' }, value), '•••');
      const shown = applyMask({ kind: 'initials' }, `a${'\u0301'.repeat(50)}${value}`);
      assert.ok(shown.split(' ').every((initial) => Array.from(initial).length <= 6));
      const local = value.replaceAll('@', '');
      fc.pre(local !== '');
      const [first = ''] = Array.from(local);
      assert.equal(applyMask({ kind: 'email' }, `${local}@b.c`), `${first}•••@b.c`);
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
  ];
  fc.assert(
    fc.property(anyText, fc.constantFrom(...masks), (value, mask) => {
      const shown = applyMask(mask, value);
      assert.ok(!value.isWellFormed() || shown.isWellFormed());
    }),
  );
});
