import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './command.ts';
import { parseTime } from './parse-time.ts';

test('a date is its midnight in UTC; a time is taken as it is', () => {
  assert.equal(parseTime('--before', '2026-01-31'), Date.UTC(2026, 0, 31));
  assert.equal(parseTime('--before', '2026-01-31T12:30Z'), Date.UTC(2026, 0, 31, 12, 30));
  assert.equal(
    parseTime('--before', '2024-02-29T00:00:01.5Z'),
    Date.UTC(2024, 1, 29, 0, 0, 1, 500),
  );
});

test('what is no date, or a time of no known zone, is refused without being repeated', () => {
  for (const text of [
    '',
    '2026',
    '2026-1-1',
    '2026-02-30',
    '2026-13-01',
    '2026-01-31T12:30',
    '2026-01-31T12:30+01:00',
    '31.1.2026',
    '2026-01-31\u001b[2J',
  ]) {
    assert.throws(
      () => parseTime('--before', text),
      (error) => error instanceof UsageError && error.message.startsWith('--before must be a date'),
    );
  }
});
