import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from './options.ts';

const NAMES = ['single', 'batches'];
const parse = (...args: string[]) => parseOptions(args, NAMES);

test('without options everything is measured, with a million tokens', () => {
  const { only, tokens, isQuick, name } = parse();
  assert.deepEqual(
    { only, tokens, isQuick, name },
    { only: undefined, tokens: 1_000_000, isQuick: false, name: 'latest' },
  );
});

test('options say what they say', () => {
  const options = parse('--quick', '--only', 'batches,single', '--minutes', '0.5', '--tokens=10m');
  assert.deepEqual(options.only, ['batches', 'single']);
  assert.equal(options.minutes, 0.5);
  assert.equal(options.tokens, 10_000_000);
  assert.equal(options.isQuick, true);
});

for (const args of [
  ['--quickly'],
  ['--only', 'nothing'],
  ['--only', ','],
  ['--minutes', 'ten'],
  ['--minutes', '0'],
  ['--tokens', '5'],
  ['--tokens', 'toString'],
  ['--name', '../x'],
  ['extra'],
]) {
  test(`refused: ${args.join(' ')}`, () => {
    assert.throws(() => parse(...args), Error);
  });
}
