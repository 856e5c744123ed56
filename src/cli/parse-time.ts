import { UsageError } from './command.ts';

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/;

/**
 * The value of an option that takes a UTC date or time (RFC 3339, `Z` only) in milliseconds since the epoch; a
 * date is its midnight.
 * @throws UsageError
 */
export function parseTime(option: string, text: string): number {
  const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(atMs) || new Date(atMs).toISOString().slice(0, 10) !== text.slice(0, 10)) {
    throw new UsageError(
      `${option} must be a date such as 2026-01-31, or a time such as 2026-01-31T12:00Z`,
    );
  }
  return atMs;
}
