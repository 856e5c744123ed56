import type { PolicyVersion } from '../adapters/postgres/policies.ts';
import type { FieldRow } from '../adapters/postgres/vaults.ts';
import type { Authority } from '../crypto/authority.ts';
import { sha256 } from '../crypto/digest.ts';
import { VaultError } from '../domain/errors.ts';

/** The MAC of a policy version that is about to be stored. */
export function macOfPolicy(
  authority: Authority,
  { vaultId, version, hash }: Pick<PolicyVersion, 'vaultId' | 'version' | 'hash'>,
): Buffer {
  return authority.mac('policy', [vaultId, version, hash]);
}

/** The MAC of a field's id that is about to be stored. */
export function macOfField(
  authority: Authority,
  { vaultId, id, name }: Pick<FieldRow, 'id' | 'name'> & { vaultId: number },
): Buffer {
  return authority.mac('field', [vaultId, id, name]);
}

/**
 * Believes a document only as the very bytes, vault and version that we once applied; and the hash beside it,
 * which files are looked up by and events cite, only as the hash of that document.
 * @throws VaultError `internal`
 */
export function checkPolicyRow(authority: Authority, stored: PolicyVersion): void {
  const { vaultId, version } = stored;
  const hash = sha256(stored.document);
  const isOurs = authority.verify('policy', [vaultId, version, hash], stored.mac);
  if (!isOurs || !stored.hash.equals(hash)) {
    throw altered(`version ${version} of a policy of vault ${vaultId} was altered`);
  }
}

/**
 * Believes that an id belongs to a name only if we once said so.
 * @throws VaultError `internal`
 */
export function checkFieldRow(authority: Authority, vaultId: number, field: FieldRow): void {
  if (!authority.verify('field', [vaultId, field.id, field.name], field.mac)) {
    throw altered(`field ${field.id} of vault ${vaultId} was altered`);
  }
}

/** The error for a row that is not as we wrote it. */
export function altered(what: string): VaultError {
  return new VaultError('internal', {
    detail: `The database is not as the service wrote it: ${what}.`,
  });
}
