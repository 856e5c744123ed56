import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Line, makeLineSplitter } from './split-lines.ts';

const shown = (lines: Line[]) =>
  lines.map((line) => (line === 'too_long' ? line : line.toString()));

function splitAll(chunks: readonly string[], maxBytes = 100): string[] {
  const splitter = makeLineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => splitter.split(Buffer.from(chunk)));
  return shown([...lines, ...splitter.rest()]);
}

test('the lines are the same however their bytes arrive', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '{', '\r'), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (whole, sizes) => {
      const bytes = Buffer.from(whole);
      const splitter = makeLineSplitter(1000);
      const lines: Line[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value ?? 1;
        lines.push(...splitter.split(bytes.subarray(at, at + size)));
        at += size;
      }
      const expected = whole.split('\n');
      if (expected.at(-1) === '') expected.pop();
      assert.deepEqual(shown([...lines, ...splitter.rest()]), expected);
    }),
  );
});

test('a line with and without its newline at the end is one line; an empty one is a line', () => {
  assert.deepEqual(splitAll(['a\nb']), ['a', 'b']);
  assert.deepEqual(splitAll(['a\nb\n']), ['a', 'b']);
  assert.deepEqual(splitAll(['\n\n']), ['', '']);
  assert.deepEqual(splitAll([]), []);
});

test('a line of the greatest length is one, a byte more is too long, and the next one is whole', () => {
  assert.deepEqual(splitAll(['aaaa\n', 'bb', 'bbb\ncccc'], 4), ['aaaa', 'too_long', 'cccc']);
  assert.deepEqual(splitAll(['aaaaa'], 4), ['too_long']);
});

test('a line that outlives the chunk it came in does not change with it', () => {
  const splitter = makeLineSplitter(100);
  const chunk = Buffer.from('ab');
  splitter.split(chunk);
  chunk.fill('x');
  assert.deepEqual(shown(splitter.rest()), ['ab']);
});
