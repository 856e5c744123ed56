import { VaultError } from '../../domain/errors.ts';
import type { Field } from '../../domain/policy/policy.ts';

/** RFC 3339 ends here: a later moment, by its offset, could be stored but not written down. */
const MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * When a token made now ends: the earlier of what the caller asks (RFC 3339) and what the field's
 * retention allows; absent when neither says anything.
 * @throws VaultError `invalid_request` for a date that does not exist or is not in the future
 */
export function lifeOf(
  field: Field,
  expiresAt: string | undefined,
  nowMs: number,
): { expiresAt?: Date } {
  const asked = expiresAt === undefined ? Number.POSITIVE_INFINITY : parseInstant(expiresAt);
  if (asked <= nowMs) throw refused('in_the_past');
  const end = Math.min(
    asked,
    field.ttlMs === undefined ? Number.POSITIVE_INFINITY : nowMs + field.ttlMs,
  );
  return Number.isFinite(end) ? { expiresAt: new Date(end) } : {};
}

/** `Date.parse` rolls 31 February over to March; a calendar date that does not survive is refused. */
function parseInstant(text: string): number {
  const ms = Date.parse(text);
  const midnight = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  if (
    !(ms <= MAX_MS) ||
    Number.isNaN(midnight.getTime()) ||
    midnight.toISOString().slice(0, 10) !== text.slice(0, 10)
  ) {
    throw refused('not_a_time');
  }
  return ms;
}

function refused(rule: string): VaultError {
  return new VaultError('invalid_request', { problems: [{ path: '/expiresAt', rule }] });
}
