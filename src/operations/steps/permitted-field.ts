import { VaultError } from '../../domain/errors.ts';
import type { Action, Field } from '../../domain/policy/policy.ts';
import { checkField, type Session, unknownField } from './access.ts';

/** A field that the caller may act on, with the id that its rows carry. */
export type FieldPlace = { field: Field; fieldId: number };

/**
 * The field of a request, when the caller may do `action` on it.
 * @throws VaultError `field_unknown`, `forbidden`
 */
export function permittedField(
  session: Session,
  asked: { action: Action; field: string; items: number },
): FieldPlace {
  const { vault } = session;
  const field = vault.policy.fields.get(asked.field);
  const fieldId = vault.fieldIds.get(asked.field);
  if (field === undefined || fieldId === undefined) {
    throw unknownField();
  }
  const { action, items } = asked;
  checkField(session, field, { action, items });
  return { field, fieldId };
}

/**
 * What equality is confined to, as it goes into fingerprints and computed tokens. Empty for the whole vault.
 * @throws VaultError `value_invalid` where the field needs a subject and there is none
 */
export function scopeOf(field: Field, { call }: Session, subject: string | undefined): string {
  if (field.scope === 'vault') return '';
  if (field.scope === 'caller')
    return JSON.stringify([call.principal.issuer, call.principal.subject]);
  if (subject === undefined) {
    throw new VaultError('value_invalid', {
      problems: [{ path: '/subject', rule: 'scope_needs_subject' }],
    });
  }
  return subject;
}
