import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../errors.ts';
import { compileField } from './compile-field.ts';

type Draft = Record<string, unknown>;

/** The compiled field, and `path rule` of what is wrong with it, without its own path. */
function compile(change: Draft) {
  const problems: Problem[] = [];
  const input = { class: 'direct', type: 'card', ...change };
  const field = compileField({ name: 'f', input, problems });
  return { field, problems: problems.map(({ path, rule }) => `${path.slice(9)} ${rule}`) };
}

test('the format of a field has the options of the policy, and defaults for the rest', () => {
  const { field, problems } = compile({
    token: { mode: 'deterministic', format: 'card', keepFirst: 6, keepLast: 4 },
    retention: { ttl: '1d', maxReveals: 3 },
  });
  assert.deepEqual(problems, []);
  assert.equal(field?.token.format.shape, 'card keepFirst=6 keepLast=4 luhn=fail');
  assert.deepEqual([field?.ttlMs, field?.maxReveals], [86_400_000, 3]);
  assert.equal(compile({}).field?.token.format.shape, 'opaque prefix=tok');
  assert.equal(compile({}).field?.maxReveals, undefined);
});

test('what mode, format, options and retention cannot be together is refused at its path', () => {
  const cases: [Draft, string[]][] = [
    [{ token: { format: 'card', prefix: 'pan' } }, ['token.prefix option_unfit']],
    [{ token: { keepLast: 4 } }, ['token.keepLast option_unfit']],
    [{ token: { mode: 'fpe' } }, ['token.format format_unfit']],
    [{ token: { mode: 'siv', format: 'uuid' } }, ['token.format format_unfit']],
    [{ token: { format: 'phone' } }, ['token.format format_unfit']],
    [{ token: { mode: 'siv' }, retention: { maxReveals: 1 } }, ['retention retention_unfit']],
    [{ token: { mode: 'volatile' }, retention: { ttl: '61m' } }, ['retention.ttl retention_unfit']],
    [{ token: { mode: 'volatile' }, retention: { ttl: '60m', maxReveals: 1 } }, []],
    [{ retention: { maxReveals: 0 } }, ['retention.maxReveals too_small']],
    [
      { type: 'pattern', pattern: '[0-9]{3}', token: { mode: 'deterministic', format: 'digits' } },
      ['token.mode values_too_few'],
    ],
  ];
  for (const [change, problems] of cases) {
    assert.deepEqual(compile(change).problems, problems, JSON.stringify(change));
  }
});

test('members that are not as written have their own problem, and lead to no others', () => {
  const cases: [Draft, string[]][] = [
    [{ mode: 'determined', format: 'card', keepLast: 4 }, ['token.mode not_one_of']],
    [{ format: 'cards', keepLast: 4 }, ['token.format not_one_of']],
    [{ format: 'card', keepFirst: 9 }, ['token.keepFirst too_big']],
    [{ format: 'card', luhn: 'never' }, ['token.luhn not_one_of']],
    [
      { format: 'card', color: 1, prefix: 'x' },
      ['token.color unknown_key', 'token.prefix option_unfit'],
    ],
  ];
  for (const [token, problems] of cases) {
    assert.deepEqual(compile({ token }).problems, problems, JSON.stringify(token));
  }
  const custom = { type: 'text', token: { format: 'custom', alphabet: 'aa' } };
  assert.deepEqual(compile(custom).problems, ['token.alphabet malformed']);
  const email = (domain: string) => compile({ type: 'email', token: { format: 'email', domain } });
  for (const domain of [
    'nodot',
    'Token.invalid',
    'a b.de',
    '-a.de',
    `${'a'.repeat(63)}.`.repeat(4),
  ]) {
    assert.deepEqual(email(domain).problems, ['token.domain malformed'], domain);
  }
  assert.deepEqual(email('keep').problems, []);
  assert.deepEqual(compile({ token: 5 }).problems, ['token wrong_type']);
});
