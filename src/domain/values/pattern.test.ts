import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './pattern.ts';

test('a pattern means the whole text, as an anchored RegExp would have it', () => {
  const sources = [
    'a|ab',
    '(a|b)*',
    '[a-c]{2,3}-?',
    '^a+$',
    '(?:ab|a)(?:c|bcd)?',
    'a.c',
    '(a*)(b?)c{1,2}',
    'é+|[😀x]',
  ];
  const text = fc.string({ unit: fc.constantFrom(...'aabbcd-\n', 'é', '😀', 'x'), maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...sources), text, (source, value) => {
      const matches = compilePattern(source) ?? assert.fail(source);
      assert.equal(matches(value), new RegExp(`^(?:${source})$`, 'u').test(value));
    }),
    { numRuns: 3000 },
  );
});

test('patterns that make other engines hang are answered', () => {
  const matches = compilePattern('(a|aa|a?)+(a+)+([a-z]+)*!') ?? assert.fail();
  assert.equal(matches('a'.repeat(4000)), false);
});

test('what is no RE2 pattern, is too long or compiles to too much is not compiled', () => {
  for (const source of [
    '(',
    '[',
    'a**',
    '(?=a)',
    '(?<=a)',
    '\\1',
    '[z-a]',
    '\ud800',
    'a'.repeat(1001),
    '[ab]{999}'.repeat(9),
  ]) {
    assert.equal(compilePattern(source), undefined, source.slice(0, 20));
  }
  assert.ok(compilePattern('[a-z]{1,1000}'));
});
