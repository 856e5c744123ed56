import { isStored } from '../domain/policy/field-changes.ts';
import type { Field } from '../domain/policy/policy.ts';
import type { FieldStats, Operations } from './operation.ts';
import type { FieldUsage } from './ports/token-search.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import { makeBound } from './steps/bound.ts';
import type { OperationDeps } from './steps/deps.ts';

/** Counting takes a connection for as long as the vault is large, and there are few for that. */
const MAX_AT_ONCE = 1;

/** Tells how many tokens the fields of a vault have, and how full those fields are that can fill up. */
export function makeStats(deps: OperationDeps): Operations['stats'] {
  const count = makeBound(MAX_AT_ONCE)((vaultId: number) => deps.search.usage(vaultId));
  return (call) =>
    audited(deps, call, { action: 'policy.read', items: 1 }, async (session) => {
      checkAction(session, { action: 'policy.read', items: 1 });
      const { vault } = session;
      const usage = await count(vault.id);
      const usageOf = new Map(usage.map((one) => [one.fieldId, one]));
      const fields = [...vault.policy.fields.values()].map((field) =>
        statsOf(field, usageOf.get(vault.fieldIds.get(field.name) ?? 0)),
      );
      return { output: { fields }, fates: [{}] };
    });
}

/** A field that the store does not mention has no tokens yet. */
function statsOf(field: Field, usage?: FieldUsage): FieldStats {
  const { mode, format } = field.token;
  const { used = 0, fullest = 0, spaces = 0 } = usage ?? {};
  const ratio = Number(fullest) / Number(format.capacity);
  return {
    field: field.name,
    mode,
    format: format.kind,
    capacity: String(format.capacity),
    ...(isStored(field) && { used }),
    ...(isStored(field) && format.isSmall && { fullest: { used: fullest, ratio }, spaces }),
  };
}
