import { invalidValue } from './invalid.ts';

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** ISO 8601 calendar date `yyyy-mm-dd`, years 0001 to 9999, that exists in the Gregorian calendar. */
export function normaliseDate(raw: string): string {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(raw);
  const [year = 0, month = 0, day = 0] = (match ?? []).slice(1).map(Number);
  if (year < 1 || day < 1 || day > daysIn(year, month)) {
    throw invalidValue('not_date');
  }
  return raw;
}

/** 0 for a month that does not exist. */
function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}
