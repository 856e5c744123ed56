import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration } from './duration.ts';

test('each unit means its number of milliseconds', () => {
  assert.deepEqual(
    ['1s', '2m', '3h', '4d', '36500d'].map(parseDuration),
    [1_000, 120_000, 10_800_000, 345_600_000, 3_153_600_000_000],
  );
});

test('anything but a positive whole number and one unit is refused', () => {
  const bad = ['', '0s', '01s', '1', 's', '-1s', '+1s', '1.5h', '1w', '1S', ' 1s', '1s ', '1s\n'];
  for (const text of [...bad, '1e3s', '1h30m', '٣s', '36501d', `${'9'.repeat(400)}s`]) {
    assert.equal(parseDuration(text), undefined, JSON.stringify(text));
  }
});

test('whatever the text, the answer is undefined or a positive safe integer', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}[smhd]$/)), (text) => {
      const durationMs = parseDuration(text);
      assert.ok(durationMs === undefined || (Number.isSafeInteger(durationMs) && durationMs > 0));
    }),
  );
});
