import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './pattern.ts';
import { countPattern } from './pattern-count.ts';

test('counts literals, classes, groups, alternatives and quantifiers at the shortest length', () => {
  const counts: [string, number][] = [
    ['abc', 1],
    ['[0-9]', 10],
    ['\\d{6}', 1e6],
    ['\\w', 63],
    ['[a-fA-F0-9]{2}', 484],
    ['[aab-cb]', 3],
    ['[[:digit:]x-]', 12],
    ['[]a]', 2],
    ['[^a-z]', 69],
    ['.', 95],
    ['[\\d\\-]', 11],
    ['[\\x41-\\x{43}\\n]', 4],
    ['(?:a|b|[0-9])', 12],
    ['(?:ab|cd)', 1],
    ['([0-9]{3}|[0-9]{10})', 1000],
    ['(?P<year>[0-9]{4})-(?<month>[01][0-9])', 200_000],
    ['^[0-9]{2}$', 100],
    ['\\A[0-9]{2}\\z', 100],
    ['[0-9]?[0-9]*[0-9]+', 10],
    ['([0-9][a-z]){2,5}', 67_600],
    ['[0-9]{2,}?x{3}', 100],
    ['[a-z]{40}', 1e15],
    ['a{,5}', 1],
    ['(?i)[a-z]{2}', 676],
    ['[А-Я]{2}', 1024],
    ['😀|😁|x', 3],
  ];
  for (const [source, count] of counts) {
    assert.ok(compilePattern(source), source);
    assert.equal(countPattern(source), count, source);
  }
});

test('what is not understood counts as one text', () => {
  for (const source of [
    '\\pL',
    '\\p{Greek}',
    '\\D',
    '[^\\pN]',
    '\\Q[0-9]{9}\\E',
    '[0-9]{9}\\b[0-9]{9}',
    '[0-9]^[0-9]{9}',
    '[0-9]$[0-9]{9}',
  ]) {
    assert.ok(compilePattern(source), source);
    assert.equal(countPattern(source), 1, source);
  }
});

test('any text at all gets a count from 1 to 1e15, without an error', () => {
  const unit = fc.constantFrom(...'()[]{}?*+|\\^$.-:,<>Pi09dwpQExab');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (source) => {
      const count = countPattern(source);
      assert.ok(count >= 1 && count <= 1e15 && Number.isInteger(count), source);
    }),
    { numRuns: 2000 },
  );
});

const ALPHABET = 'ab01';

/** All texts over the alphabet up to a length. */
function* texts(length: number): Generator<string> {
  if (length === 0) {
    yield '';
    return;
  }
  for (const head of texts(length - 1)) {
    for (const character of ALPHABET) {
      yield head + character;
    }
  }
}

test('a count is never above the number of shortest matches, by trying every text', () => {
  const { pattern } = fc.letrec<{ pattern: string; atom: string; piece: string; branch: string }>(
    (tie) => ({
      atom: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom('a', 'b', '0', '[ab]', '[01]', '[a-b0]', '[0-1a-b]', '^', '$', '\\b'),
        tie('pattern').map((inner) => `(${inner})`),
      ),
      piece: fc
        .tuple(tie('atom'), fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{0,1}', '{1,2}?'))
        .map((parts) => parts.join('')),
      branch: fc
        .array(tie('piece'), { minLength: 1, maxLength: 3 })
        .map((pieces) => pieces.join('')),
      pattern: fc
        .array(tie('branch'), { minLength: 1, maxLength: 3 })
        .map((branches) => branches.join('|')),
    }),
  );
  let compared = 0;
  fc.assert(
    fc.property(pattern, (source) => {
      const matches = compilePattern(source);
      for (let length = 0; matches !== undefined && length <= 5; length += 1) {
        const found = Array.from(texts(length)).filter(matches).length;
        if (found > 0) {
          compared += 1;
          assert.ok(countPattern(source) <= found, `${source}: ${countPattern(source)} > ${found}`);
          return;
        }
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(compared > 300, String(compared));
});
