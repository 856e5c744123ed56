import { VaultError } from '../../domain/errors.ts';

/** RFC 3339 ends here: a later moment, by its offset, could be stored but not written down. */
const MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Milliseconds since the epoch of an RFC 3339 text. `Date.parse` rolls 31 February over to March; a calendar
 * date that does not survive is refused.
 * @throws VaultError `invalid_request` at `path`
 */
export function parseInstant(text: string, path: string): number {
  const ms = Date.parse(text);
  const midnight = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (
    !(ms <= MAX_MS) ||
    Number.isNaN(midnight.getTime()) ||
    midnight.toISOString().slice(0, 10) !== text.slice(0, 10)
  ) {
    throw new VaultError('invalid_request', { problems: [{ path, rule: 'not_a_time' }] });
  }
  return ms;
}
