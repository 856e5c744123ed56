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

/** The version that once applied exactly this document, or `undefined`. */
export async function findPolicyByHash(
  deps: Deps,
  policy: { vaultId: number; hash: Buffer },
): Promise<PolicyVersion | undefined> {
  return one(deps, { text: BY_HASH, values: [policy.vaultId, policy.hash] });
}

/**
 * Stores a document as the vault's next version, unless this very document was applied before: then
 * that version is returned and nothing changes. Racing callers get one version per document.
 *
 * @param policy.mac makes the MAC, once the version is known that it must cover
 */
export async function applyPolicy(
  deps: Deps,
  policy: { vaultId: number; document: string; hash: Buffer; mac: (version: number) => Buffer },
): Promise<PolicyVersion> {
  const { vaultId, document, hash, mac } = policy;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const applied = await findPolicyByHash(deps, { vaultId, hash });
    if (applied !== undefined) {
      return applied;
    }
    const version = ((await latestPolicy(deps, vaultId))?.version ?? 0) + 1;
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
