import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findZone, isWithinHours } from './hours.ts';

const WORKDAYS = [1, 2, 3, 4, 5];
const office = { days: WORKDAYS, fromMinute: 9 * 60, toMinute: 17 * 60, zone: 'Europe/Berlin' };
const night = { days: [5], fromMinute: 22 * 60, toMinute: 6 * 60, zone: 'UTC' };
const at = (text: string) => Date.parse(text);

test('a window includes its first minute and not its last', () => {
  // 2026-01-05 is a Monday; Berlin is UTC+1 in winter.
  assert.equal(isWithinHours(office, at('2026-01-05T07:59:59Z')), false);
  assert.equal(isWithinHours(office, at('2026-01-05T08:00:00Z')), true);
  assert.equal(isWithinHours(office, at('2026-01-05T15:59:59Z')), true);
  assert.equal(isWithinHours(office, at('2026-01-05T16:00:00Z')), false);
  assert.equal(isWithinHours(office, at('2026-01-04T10:00:00Z')), false, 'Sunday');
});

test('a window follows the wall clock of its zone through summer time', () => {
  assert.equal(isWithinHours(office, at('2026-07-06T07:00:00Z')), true);
  assert.equal(isWithinHours(office, at('2026-07-06T15:00:00Z')), false);
});

test('the weekday is that of the zone, not of UTC', () => {
  const tokyo = { days: [1], fromMinute: 0, toMinute: 24 * 60, zone: 'Asia/Tokyo' };
  assert.equal(isWithinHours(tokyo, at('2026-01-04T15:00:00Z')), true);
  assert.equal(isWithinHours(tokyo, at('2026-01-05T15:00:00Z')), false);
});

test('a window over midnight belongs to the day on which it starts', () => {
  // 2026-01-09 is a Friday.
  assert.equal(isWithinHours(night, at('2026-01-09T05:00:00Z')), false, 'Thursday night');
  assert.equal(isWithinHours(night, at('2026-01-09T22:00:00Z')), true);
  assert.equal(isWithinHours(night, at('2026-01-10T05:59:00Z')), true);
  assert.equal(isWithinHours(night, at('2026-01-10T06:00:00Z')), false);
  assert.equal(isWithinHours(night, at('2026-01-10T22:00:00Z')), false);
  const sunday = { ...night, days: [7] };
  assert.equal(isWithinHours(sunday, at('2026-01-12T01:00:00Z')), true, 'into Monday');
});

test('midnight is minute 0, not 24:00 of the day before', () => {
  const early = { days: [1], fromMinute: 0, toMinute: 1, zone: 'UTC' };
  assert.equal(isWithinHours(early, at('2026-01-05T00:00:30Z')), true);
});

test('a moment that is none throws', () => {
  assert.throws(() => isWithinHours(office, Number.NaN), RangeError);
});

test('zones are IANA names, in their canonical spelling', () => {
  assert.equal(findZone('europe/berlin'), 'Europe/Berlin');
  assert.equal(findZone('UTC'), 'UTC');
  for (const name of ['', '+01:00', '-0500', 'Mars/Olympus', 'CET+1', '../etc']) {
    assert.equal(findZone(name), undefined, name);
  }
});
