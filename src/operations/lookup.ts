import { VaultError } from '../domain/errors.ts';
import { normalise } from '../domain/values/normalise.ts';
import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { checkKnown, fingerprintKey, permittedField, scopeOf } from './steps/issue.ts';

/** Finds the token of a known value without making one. Only deterministic fields can be asked. */
export function makeLookup(deps: OperationDeps): Operations['lookup'] {
  return (call, input) =>
    audited(deps, call, { action: 'lookup', items: 1, fields: [input.field] }, async (session) => {
      checkAction(session, { action: 'lookup', items: 1, atMs: deps.clock.now() });
      const asked = { action: 'lookup', field: input.field, items: 1 } as const;
      const { field, fieldId } = permittedField(deps, session, asked);
      if (field.token.mode !== 'deterministic') {
        throw new VaultError('value_invalid', {
          problems: [{ path: '/field', rule: 'not_deterministic' }],
        });
      }
      const value = normalise(field.type, input.value, field.maxBytes);
      const scope = scopeOf(field, session, input.subject);
      const row = await deps.tokens.findByFingerprint(
        fingerprintKey(session, { fieldId, scope, value }),
      );
      if (row === undefined) throw new VaultError('token_not_found');
      checkKnown(session, row, value);
      return { output: { token: row.token }, fates: [{ token: row.token, field: field.name }] };
    });
}
