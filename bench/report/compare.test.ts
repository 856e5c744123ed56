import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeLines, compareResults } from './compare.ts';
import { measured, resultOf } from './result-of-tests.ts';

const before = resultOf([
  measured('single', 'floor', [1_000]),
  measured('single', 'warm', [400]),
  measured('single', 'gone', [5]),
]);
const after = resultOf([
  measured('single', 'floor', [2_000]),
  measured('single', 'warm', [600]),
  measured('single', 'fresh', [5]),
]);

test('work is compared with itself, and what only one result has is left out', () => {
  const changes = compareResults(before, after);
  const work = changes.filter(({ name }) => name.startsWith('single'));
  assert.deepEqual(
    work.map(({ name, percent }) => [name, Math.round(percent)]),
    [
      ['single: floor work, 64 connections', 100],
      ['single: warm work, 64 connections', 50],
    ],
  );
});

test('a faster machine does not hide that a ratio fell', () => {
  const [ratio] = compareResults(before, after);
  assert.equal(ratio?.name, 'target: detokenize, 64 connections, warm');
  assert.equal(Math.round(ratio?.percent ?? 0), -25);
  assert.match(
    changeLines([ratio].flatMap((one) => one ?? []))[1] ?? '',
    /0\.400 +0\.300 +-25\.0 %/,
  );
});
