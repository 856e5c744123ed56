import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { untilCertain } from './certainty.ts';
import { runStatement } from './session.ts';

type Deps = { pool: Pool; clock: Clock };

/** One applied version as it is stored. `mac` must be checked before the document is believed. */
export type PolicyVersion = {
  vaultId: number;
  version: number;
  document: string;
  /** SHA-256 of the document. */
  hash: Buffer;
  mac: Buffer;
  appliedAt: Date;
};

type PolicyRow = Omit<PolicyVersion, 'vaultId' | 'appliedAt'> & {
  vault_id: number;
  applied_at: Date;
};

const MAX_ATTEMPTS = 20;

const COLUMNS = 'vault_id, version, document, hash, mac, applied_at';

const LATEST = `
select ${COLUMNS} from policy_version where vault_id = $1 order by version desc limit 1`;

const BEFORE = `
select ${COLUMNS} from policy_version where vault_id = $1 and version < $2
order by version desc limit 1`;

const BY_HASH = `select ${COLUMNS} from policy_version where vault_id = $1 and hash = $2`;

const INSERT = `
insert into policy_version (vault_id, version, document, hash, mac)
values ($1, $2, $3, $4, $5)
on conflict do nothing`;

/** The version in force: the newest one, or `undefined` when the vault has none. */
export async function latestPolicy(
  deps: Deps,
  vaultId: number,
): Promise<PolicyVersion | undefined> {
  return one(deps, { text: LATEST, values: [vaultId] });
}

/** The version that a version replaced, or `undefined` for the first one. */
export async function policyBefore(
  deps: Deps,
  policy: { vaultId: number; version: number },
): Promise<PolicyVersion | undefined> {
  return one(deps, { text: BEFORE, values: [policy.vaultId, policy.version] });
}

/** The version that once applied exactly this document, or `undefined`. */
export async function findPolicyByHash(
  deps: Deps,
  policy: { vaultId: number; hash: Buffer },
): Promise<PolicyVersion | undefined> {
  return one(deps, { text: BY_HASH, values: [policy.vaultId, policy.hash] });
}

/**
 * Stores a document as the vault's next version, unless this very document was applied before: then
 * that version is returned and nothing changes. Racing callers get one version per document, and documents
 * are ordered: each was checked against the one that it follows.
 *
 * @param policy.mac makes the MAC, once the version is known that it must cover
 * @param policy.check rejects when the document may not follow this version; asked again after a lost race
 */
export async function applyPolicy(
  deps: Deps,
  policy: {
    vaultId: number;
    document: string;
    hash: Buffer;
    mac: (version: number) => Buffer;
    check: (latest: PolicyVersion | undefined) => Promise<void>;
  },
): Promise<PolicyVersion> {
  const { vaultId, document, hash, mac, check } = policy;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const applied = await findPolicyByHash(deps, { vaultId, hash });
    if (applied !== undefined) {
      return applied;
    }
    const latest = await latestPolicy(deps, vaultId);
    await check(latest);
    // Numbers are unique: the insert takes effect only if no other document came in between.
    const version = (latest?.version ?? 0) + 1;
    const insert = { text: INSERT, values: [vaultId, version, document, hash, mac(version)] };
    await untilCertain<unknown>(deps, {
      first: () => runStatement(deps.pool, insert),
      again: (session) => session.rows(insert),
    });
  }
  throw new VaultError('store_unavailable', { detail: 'lost every race for a policy version' });
}

async function one(
  deps: Deps,
  statement: { text: string; values: unknown[] },
): Promise<PolicyVersion | undefined> {
  const [row] = await runStatement<PolicyRow>(deps.pool, statement);
  if (row === undefined) {
    return undefined;
  }
  const { vault_id, applied_at, ...rest } = row;
  return { vaultId: vault_id, ...rest, appliedAt: applied_at };
}
