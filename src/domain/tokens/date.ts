import type { TokenFormat } from './format.ts';
import { makeRangeFormat } from './ranges.ts';

const DAY_MS = 86_400_000;

/** Years in which nobody was born and nothing is due. */
export const DATE_BOUNDS = { min: '3000-01-01', max: '9999-12-31' } as const;

/** Days since 1970-01-01 of a calendar date `yyyy-mm-dd` that exists, years 0001 to 9999. */
export function readDay(text: string): bigint | undefined {
  const ms = /^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 30 February for 1 March.
  return Number.isNaN(ms) || writeDay(BigInt(ms / DAY_MS)) !== text
    ? undefined
    : BigInt(ms / DAY_MS);
}

function writeDay(day: bigint): string {
  return new Date(Number(day) * DAY_MS).toISOString().slice(0, 10);
}

/** `yyyy-mm-dd`, with what months and days can begin with. */
const ALPHABETS = [...'yyyy-Md-Dd'].map((place) => {
  switch (place) {
    case '-':
      return '-';
    case 'M':
      return '01';
    case 'D':
      return '0123';
    default:
      return '0123456789';
  }
});

/** Format `date`: calendar dates of a range, both ends included. */
export function makeDateFormat(bounds: { min: bigint; max: bigint }): Omit<TokenFormat, 'shape'> {
  const alphabetAt = (place: number): string => ALPHABETS[place] ?? '';
  const texts = { write: writeDay, read: readDay, cuts: [], alphabetAt };
  return makeRangeFormat('date', { ...bounds, ...texts });
}
