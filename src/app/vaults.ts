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
import { sha256 } from '../crypto/digest.ts';
import type { Keysets } from '../crypto/keysets.ts';
import type { AuditEvent } from '../domain/audit/event.ts';
import { type Problem, VaultError } from '../domain/errors.ts';
import type { Policy } from '../domain/policy/policy.ts';
import type { AuditLog } from '../operations/ports/audit-log.ts';
import type { Vault, VaultRegistry } from '../operations/ports/vault-registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import {
  altered,
  checkFieldRow,
  checkPolicyRow,
  macOfField,
  macOfPolicy,
} from './authority-rows.ts';
import { findConflicts } from './field-conflicts.ts';
import { type PolicyDocument, readPolicy } from './policy-files.ts';
import { makeVaultRefresh } from './vault-refresh.ts';

type Deps = {
  database: Parameters<typeof ensureVault>[0];
  keysets: Keysets;
  audit: AuditLog;
  /** Filled as vaults become known; the audit log asks it whose key seals a disclosure. */
  vaultIds: Map<string, number>;
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Throws for a vault whose policy this instance cannot serve. */
  check?: (vault: Vault) => void;
};

/**
 * Brings the vaults up: each document of the policies folder is applied unless it ever was (an older
 * one that was replaced since must not come back by a restart), then the newest version of every
 * vault in the database is checked and compiled. Documents are applied all or, when one of them changes a
 * field under its tokens, none.
 * @throws VaultError `internal` when a stored row is not as we wrote it, `policy_conflict`
 */
export async function openVaults(
  deps: Deps,
  documents: readonly PolicyDocument[],
): Promise<VaultRegistry> {
  for (const { id, name } of await loadVaults(deps.database)) {
    deps.vaultIds.set(name, id);
    // A later version of the service may need keys that the vault was made without.
    await deps.keysets.ensureVault(id);
  }
  await checkDocuments(deps, documents);
  for (const document of documents) await applyDocument(deps, document);
  const vaults = new Map<string, Vault>();
  const { check = () => {} } = deps;
  for (const { id, name } of await loadVaults(deps.database)) {
    const vault = await openVault(deps, { id, name });
    if (vault === undefined) continue;
    check(vault);
    vaults.set(name, vault);
  }
  return {
    find: (name) => vaults.get(name),
    all: () => [...vaults.values()],
    refresh: makeVaultRefresh({
      vaults,
      load: (known) => openVault(deps, known, known),
      check,
    }),
  };
}

/** Refuses what could not be applied before anything is. Each refused document is put on record. */
async function checkDocuments(deps: Deps, documents: readonly PolicyDocument[]): Promise<void> {
  const problems: Problem[] = [];
  for (const { text, policy } of documents) {
    const vaultId = deps.vaultIds.get(policy.vault);
    const hash = sha256(text);
    if (vaultId === undefined) continue;
    if ((await findPolicyByHash(deps.database, { vaultId, hash })) !== undefined) continue;
    const latest = await latestPolicy(deps.database, vaultId);
    problems.push(...(await checkDocument(deps, { policy, hash, latest })));
  }
  if (problems.length > 0) throw conflict(problems);
}

async function checkDocument(
  deps: Deps,
  { policy, hash, latest }: { policy: Policy; hash: Buffer; latest: PolicyVersion | undefined },
): Promise<Problem[]> {
  if (latest === undefined) return [];
  const authority = await deps.keysets.authority();
  const problems = await findConflicts({ database: deps.database, authority }, { policy, latest });
  if (problems.length > 0) {
    const refused = { outcome: 'error', status: 409, reason: 'policy_conflict' } as const;
    await deps.audit.append({ ...loadEvent(policy, hash), ...refused });
  }
  return problems;
}

function conflict(problems: readonly Problem[]): VaultError {
  const detail = 'A policy changes a field of which tokens can exist. It was not applied.';
  return new VaultError('policy_conflict', { detail, problems });
}

/**
 * The event goes first: a crash after it leaves an event about a policy that the next start applies,
 * never a policy in force that the log does not know of. A document that another instance has applied
 * meanwhile can still refuse this one: then a second event says so.
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
    checkPolicyRow(authority, applied);
    const latest = await latestPolicy(database, vaultId);
    if (latest !== undefined && !latest.hash.equals(hash)) {
      const facts = { vault: policy.vault, inForce: latest.version };
      logger.warn('policy_file_was_replaced', facts);
    }
    return;
  }
  await audit.append(loadEvent(policy, hash));
  const { version } = await applyPolicy(database, {
    vaultId,
    document: text,
    hash,
    mac: (version) => macOfPolicy(authority, { vaultId, version, hash }),
    check: async (latest) => {
      const problems = await checkDocument(deps, { policy, hash, latest });
      if (problems.length > 0) throw conflict(problems);
      // Before the version exists: whoever comes after it must see which fields may have tokens.
      await ensureFieldIds(deps, vaultId, policy);
    },
  });
  logger.info('policy_applied', { vault: policy.vault, version });
}

/** An event of the service's own start, without a caller. */
function startEvent(operation: 'vault.create' | 'policy.load') {
  return { operation, outcome: 'allow', status: 200, items: 0, who: {}, what: {} } as const;
}

function loadEvent({ vault }: Policy, hash: Buffer): AuditEvent {
  return { ...startEvent('policy.load'), vault, policy: hash.toString('hex') };
}

/** All fields that the vault ever had, those of the policy among them. */
async function ensureFieldIds(
  { database, keysets }: Deps,
  vaultId: number,
  policy: Policy,
): Promise<FieldRow[]> {
  const authority = await keysets.authority();
  const names = [...policy.fields.keys()];
  const mac = (id: number, name: string) => macOfField(authority, { vaultId, id, name });
  const fields = await ensureFields(database, { vaultId, names, mac });
  for (const field of fields) checkFieldRow(authority, vaultId, field);
  return fields;
}

/** `known`: the vault as it was, which it still is while its policy is the same version. */
async function openVault(
  deps: Deps,
  { id, name }: { id: number; name: string },
  known?: Vault,
): Promise<Vault | undefined> {
  const { database, keysets } = deps;
  const authority = await keysets.authority();
  const stored = await latestPolicy(database, id);
  // A start that was killed between the vault and its policy leaves this; the next one goes on.
  if (stored === undefined) return undefined;
  const policyRef = `${stored.version}:${stored.hash.toString('hex')}`;
  if (policyRef === known?.policyRef) return known;
  checkPolicyRow(authority, stored);
  const { policy } = readPolicy(stored.document);
  if (policy.vault !== name) throw altered(`the policy of vault ${id} names another vault`);
  const fields = await ensureFieldIds(deps, id, policy);
  if (known !== undefined) {
    deps.logger.info('policy_followed', { vault: name, version: stored.version });
  }
  return {
    id,
    name,
    policy,
    policyVersion: stored.version,
    policyRef,
    fieldIds: new Map(fields.map((field) => [field.name, field.id])),
    fieldNames: new Map(fields.map((field) => [field.id, field.name])),
  };
}
