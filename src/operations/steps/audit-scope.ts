import { VaultError } from '../../domain/errors.ts';
import type { Caller } from '../call.ts';
import type { Vault } from '../ports/vault-registry.ts';
import { checkAction, decideCall, findVault, isMember } from './access.ts';
import type { AuditDeps } from './audit-deps.ts';

/** Whose events a caller may read. */
export type AuditScope = {
  /** At least one. */
  vaults: readonly Vault[];
  /** True when these are all vaults there are: then also what belongs to none. */
  everything: boolean;
};

type Deps = Pick<AuditDeps, 'vaults' | 'clock'>;

/**
 * What the caller may read of the log: the events of each vault whose policy gives them `audit.read`.
 * @throws VaultError `forbidden` when there is none
 */
export function auditScope({ vaults, clock }: Deps, caller: Caller): AuditScope {
  const all = vaults.all();
  const atMs = clock.now();
  const readable = all.filter((vault) => {
    const call = { ...caller, vault: vault.name };
    return isMember(call, vault) && decideCall({ call, vault, atMs }, ASKED).allowed;
  });
  if (readable.length === 0) throw new VaultError('forbidden');
  return { vaults: readable, everything: readable.length === all.length };
}

/**
 * The scope of a request that names a vault: that vault alone.
 * @throws VaultError `vault_not_found` for a vault in which the caller has no role, `forbidden`
 */
export function auditScopeOf({ vaults, clock }: Deps, caller: Caller, name: string): AuditScope {
  const call = { ...caller, vault: name };
  const vault = findVault(vaults, call);
  checkAction({ call, vault, atMs: clock.now() }, ASKED);
  return { vaults: [vault], everything: false };
}

/**
 * Refuses those who may not read every vault: entries and exports hold the events of all of them.
 * @throws VaultError `forbidden`
 */
export function checkReadsEverything(deps: Deps, caller: Caller): void {
  if (!auditScope(deps, caller).everything) throw new VaultError('forbidden');
}

/** True when an event of this vault, or of none, is within the scope. */
export function isInScope({ vaults, everything }: AuditScope, vault: string | undefined): boolean {
  return everything || vaults.some(({ name }) => name === vault);
}

const ASKED = { action: 'audit.read', items: 1 } as const;
