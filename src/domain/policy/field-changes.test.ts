import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFields } from './compile.ts';
import { changesOf, isStored } from './field-changes.ts';

type Draft = Record<string, unknown>;

function fieldOf(change: Draft = {}) {
  const draft = { class: 'direct', type: 'digits', length: [10, 12], ...change };
  const field = compileFields({ fields: { f: draft } }).get('f');
  assert.ok(field !== undefined, JSON.stringify(change));
  return field;
}

const token = (options: Draft) => ({ token: { format: 'digits', ...options } });

test('what tokens and values are tied to is told by path, with both sides', () => {
  const base = token({ mode: 'deterministic' });
  const rows: [Draft, Draft, string[]][] = [
    [base, token({ mode: 'fpe' }), ['token.mode deterministic fpe']],
    [base, token({ mode: 'deterministic', scope: 'caller' }), ['token.scope vault caller']],
    [base, { ...base, type: 'text', length: undefined }, ['type digits 10..12 text']],
    [base, { ...base, length: [10, 13] }, ['type digits 10..12 digits 10..13']],
    [
      base,
      token({ mode: 'deterministic', keepLast: 1 }),
      ['token.format digits keepFirst=0 keepLast=0 digits keepFirst=0 keepLast=1'],
    ],
    [
      { token: { prefix: 'a' } },
      { token: { prefix: 'b' } },
      ['token.format opaque prefix=a opaque prefix=b'],
    ],
    [
      { type: 'pattern', pattern: 'a+', length: undefined },
      { type: 'pattern', pattern: 'b+', length: undefined },
      ['type pattern a+ pattern b+'],
    ],
    [
      { type: 'integer', min: 1, length: undefined },
      { type: 'integer', max: 1, length: undefined },
      ['type integer 1.. integer ..1'],
    ],
  ];
  for (const [before, after, expected] of rows) {
    const changes = changesOf(fieldOf(before), fieldOf(after));
    assert.deepEqual(
      changes.map(({ path, from, to }) => `${path} ${from} ${to}`),
      expected,
    );
  }
});

test('what no token depends on can change', () => {
  const after = {
    class: 'quasi',
    maxBytes: 99,
    views: { v: { mask: 'hash' } },
    retention: { ttl: '1d' },
  };
  assert.deepEqual(changesOf(fieldOf(), fieldOf(after)), []);
  assert.deepEqual(changesOf(fieldOf(), fieldOf({ token: { mode: 'random', prefix: 'tok' } })), []);
});

test('only the tokens of stored modes can be counted', () => {
  const modes = ['random', 'deterministic', 'fpe', 'siv', 'volatile'];
  const stored = modes.filter((mode) => {
    const format = mode === 'fpe' ? 'digits' : 'opaque';
    return isStored(fieldOf({ token: { mode, format } }));
  });
  assert.deepEqual(stored, ['random', 'deterministic']);
});
