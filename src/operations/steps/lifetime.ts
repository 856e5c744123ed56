import { VaultError } from '../../domain/errors.ts';
import type { Field } from '../../domain/policy/policy.ts';
import { parseInstant } from './instant.ts';

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
  const asked =
    expiresAt === undefined ? Number.POSITIVE_INFINITY : parseInstant(expiresAt, '/expiresAt');
  if (asked <= nowMs) {
    const problems = [{ path: '/expiresAt', rule: 'in_the_past' }];
    throw new VaultError('invalid_request', { problems });
  }
  const end = Math.min(
    asked,
    field.ttlMs === undefined ? Number.POSITIVE_INFINITY : nowMs + field.ttlMs,
  );
  return Number.isFinite(end) ? { expiresAt: new Date(end) } : {};
}
