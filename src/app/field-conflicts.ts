import { type PolicyVersion, policyBefore } from '../adapters/postgres/policies.ts';
import { type ensureVault, hasTokens, readFields } from '../adapters/postgres/vaults.ts';
import type { Authority } from '../crypto/authority.ts';
import type { Problem } from '../domain/errors.ts';
import { changesOf, isStored } from '../domain/policy/field-changes.ts';
import type { Field, Policy } from '../domain/policy/policy.ts';
import { checkFieldRow, checkPolicyRow } from './authority-rows.ts';
import { readPolicyFields } from './policy-files.ts';

type Deps = { database: Parameters<typeof ensureVault>[0]; authority: Authority };

/**
 * Why a policy may not follow `latest`: each field that it changes so that tokens which can exist would mean
 * something else, or could not be opened. A field is compared with the newest version that declares it, so
 * that leaving it out for a while changes nothing. Each problem names vault, field and what changed.
 *
 * Documents that race are ordered by their version numbers, and each is checked against the one before it.
 * An instance that still runs with an earlier version goes on with it: a field without tokens is safe to
 * change only when no instance makes any.
 */
export async function findConflicts(
  deps: Deps,
  { policy, latest }: { policy: Policy; latest: PolicyVersion },
): Promise<Problem[]> {
  const { vaultId } = latest;
  const fields = await readFields(deps.database, vaultId);
  for (const field of fields) checkFieldRow(deps.authority, vaultId, field);
  // A field gets its id before the first version that declares it: without one it is new.
  const open = new Map(fields.filter(({ name }) => policy.fields.has(name)).map(byName));
  const problems: Problem[] = [];
  let version: PolicyVersion | undefined = latest;
  while (version !== undefined && open.size > 0) {
    checkPolicyRow(deps.authority, version);
    const earlier = readPolicyFields(version.document);
    for (const [name, fieldId] of open) {
      if (!earlier.has(name)) continue;
      open.delete(name);
      const change = { name, before: earlier.get(name), after: policy.fields.get(name) };
      const found = describeChanges(policy.vault, change);
      const isSafe = async () =>
        change.before !== undefined &&
        isStored(change.before) &&
        !(await hasTokens(deps.database, { vaultId, fieldId }));
      if (found.length > 0 && !(await isSafe())) problems.push(...found);
    }
    version = await policyBefore(deps.database, version);
  }
  return problems;
}

const byName = ({ id, name }: { id: number; name: string }) => [name, id] as const;

function describeChanges(
  vault: string,
  change: { name: string; before: Field | undefined; after: Field | undefined },
): Problem[] {
  const { name, before, after } = change;
  const path = `vault ${vault}: fields.${name}`;
  const rule = 'field_changed';
  if (before === undefined || after === undefined) {
    const hint = 'what it was cannot be read any more, and it has tokens: declare a new field';
    return [{ path, rule, hint }];
  }
  return changesOf(before, after).map(({ path: member, from, to }) => ({
    path: `${path}.${member}`,
    rule,
    hint: `from ${from} to ${to}, while tokens of it can exist: declare a new field`,
  }));
}
