import {
  applyPolicy,
  findPolicyByHash,
  latestPolicy,
  type PolicyVersion,
} from '../adapters/postgres/policies.ts';
import {
  ensureFields,
  ensureVault,
  type FieldRow,
  loadVaults,
} from '../adapters/postgres/vaults.ts';
import type { Authority } from '../crypto/authority.ts';
import { sha256 } from '../crypto/digest.ts';
import type { Keysets } from '../crypto/keysets.ts';
import { VaultError } from '../domain/errors.ts';
import type { AuditLog } from '../operations/ports/audit-log.ts';
import type { Vault, VaultRegistry } from '../operations/ports/vault-registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type PolicyDocument, readPolicy } from './policy-files.ts';

type Deps = {
  database: Parameters<typeof ensureVault>[0];
  keysets: Keysets;
  audit: AuditLog;
  /** Filled as vaults become known; the audit log asks it whose key seals a disclosure. */
  vaultIds: Map<string, number>;
  logger: Pick<Logger, 'info' | 'warn'>;
};

/**
 * Brings the vaults up: each document of the policies folder is applied unless it ever was (an older
 * one that was replaced since must not come back by a restart), then the newest version of every
 * vault in the database is checked and compiled.
 * @throws VaultError `internal` when a stored row is not as we wrote it
 */
export async function openVaults(
  deps: Deps,
  documents: readonly PolicyDocument[],
): Promise<VaultRegistry> {
  for (const { id, name } of await loadVaults(deps.database)) deps.vaultIds.set(name, id);
  for (const document of documents) await applyDocument(deps, document);
  const vaults = new Map<string, Vault>();
  for (const { id, name } of await loadVaults(deps.database)) {
    const vault = await openVault(deps, { id, name });
    if (vault !== undefined) vaults.set(name, vault);
  }
  return { find: (name) => vaults.get(name), all: () => [...vaults.values()] };
}

/**
 * The event goes first: a crash after it leaves an event about a policy that the next start applies,
 * never a policy in force that the log does not know of.
 */
async function applyDocument(deps: Deps, { text, policy }: PolicyDocument): Promise<void> {
  const { database, keysets, audit, logger } = deps;
  const authority = await keysets.authority();
  const hash = sha256(text);
  if (!deps.vaultIds.has(policy.vault)) {
    // Sealed under keys of `_system`: the vault has none yet.
    await audit.append({ ...startEvent('vault.create'), vault: policy.vault });
  }
  const vaultId = await ensureVault(database, policy.vault);
  deps.vaultIds.set(policy.vault, vaultId);
  await keysets.ensureVault(vaultId);
  const applied = await findPolicyByHash(database, { vaultId, hash });
  if (applied !== undefined) {
    // Else an edited row could say of a stricter policy that it had been applied, and keep it out.
    checkPolicy(authority, applied);
    const latest = await latestPolicy(database, vaultId);
    if (latest !== undefined && !latest.hash.equals(hash)) {
      const facts = { vault: policy.vault, inForce: latest.version };
      logger.warn('policy_file_was_replaced', facts);
    }
    return;
  }
  await audit.append({
    ...startEvent('policy.load'),
    vault: policy.vault,
    policy: hash.toString('hex'),
  });
  const mac = (version: number) => authority.mac('policy', policyFacts({ vaultId, version, hash }));
  const { version } = await applyPolicy(database, { vaultId, document: text, hash, mac });
  logger.info('policy_applied', { vault: policy.vault, version });
}

/** An event of the service's own start, without a caller. */
function startEvent(operation: 'vault.create' | 'policy.load') {
  return { operation, outcome: 'allow', status: 200, items: 0, who: {}, what: {} } as const;
}

async function openVault(
  { database, keysets }: Deps,
  { id, name }: { id: number; name: string },
): Promise<Vault | undefined> {
  const authority = await keysets.authority();
  const stored = await latestPolicy(database, id);
  // A start that was killed between the vault and its policy leaves this; the next one goes on.
  if (stored === undefined) return undefined;
  checkPolicy(authority, stored);
  const { policy } = readPolicy(stored.document);
  if (policy.vault !== name) throw altered(`the policy of vault ${id} names another vault`);
  const fields = await ensureFields(database, {
    vaultId: id,
    names: [...policy.fields.keys()],
    mac: (fieldId, field) => authority.mac('field', [id, fieldId, field]),
  });
  for (const field of fields) checkField(authority, id, field);
  return {
    id,
    name,
    policy,
    policyRef: `${stored.version}:${stored.hash.toString('hex')}`,
    fieldIds: new Map(fields.map((field) => [field.name, field.id])),
    fieldNames: new Map(fields.map((field) => [field.id, field.name])),
  };
}

/**
 * The document is believed only as the very bytes, vault and version that we once applied; and the
 * hash beside it, which files are looked up by and events cite, only as the hash of that document.
 */
function checkPolicy(authority: Authority, stored: PolicyVersion): void {
  const hash = sha256(stored.document);
  const facts = policyFacts({ ...stored, hash });
  if (!authority.verify('policy', facts, stored.mac) || !stored.hash.equals(hash)) {
    throw altered(`version ${stored.version} of a policy of vault ${stored.vaultId} was altered`);
  }
}

function policyFacts({
  vaultId,
  version,
  hash,
}: {
  vaultId: number;
  version: number;
  hash: Buffer;
}) {
  return [vaultId, version, hash] as const;
}

function checkField(authority: Authority, vaultId: number, { id, name, mac }: FieldRow): void {
  if (!authority.verify('field', [vaultId, id, name], mac)) {
    throw altered(`field ${id} of vault ${vaultId} was altered`);
  }
}

function altered(what: string): VaultError {
  return new VaultError('internal', {
    detail: `The database is not as the service wrote it: ${what}.`,
  });
}
