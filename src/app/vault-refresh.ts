import { ERRORS, VaultError } from '../domain/errors.ts';
import type { Vault, VaultRegistry } from '../operations/ports/vault-registry.ts';

type Deps = {
  /** By name; a vault is replaced in it as a whole. */
  vaults: Map<string, Vault>;
  /** The vault as it is now; `known` when nothing is new, `undefined` when it has no policy. */
  load: (known: Vault) => Promise<Vault | undefined>;
  /** Throws for a vault whose policy this instance cannot serve. */
  check: (vault: Vault) => void;
};

/**
 * Makes what reads policies anew, for all who ask at once: a policy that was replaced is noticed by every
 * request in flight. A round begins after everybody who shares it has called, and one round follows the other,
 * so that none is answered by a read that began before.
 */
export function makeVaultRefresh(deps: Deps): VaultRegistry['refresh'] {
  let last: Promise<unknown> = Promise.resolve();
  let next: { ids: Set<number>; done: Promise<Failures> } | undefined;

  return async (vaultIds) => {
    if (next === undefined) {
      const ids = new Set<number>();
      const done = last.then(() => {
        next = undefined;
        return refreshAll(deps, ids);
      });
      next = { ids, done };
      last = done;
    }
    for (const id of vaultIds) next.ids.add(id);
    const failures = await next.done;
    const failed = vaultIds.find((id) => failures.has(id));
    // Each caller notes things in an error of its own.
    if (failed !== undefined) throw ownFailure(failures.get(failed));
  };
}

/** Why vaults stayed as they were, by id. */
type Failures = ReadonlyMap<number, unknown>;

/** Each vault for itself: one that cannot be served must not hold up those that share its round. Never rejects. */
async function refreshAll(
  { vaults, load, check }: Deps,
  ids: ReadonlySet<number>,
): Promise<Failures> {
  const failures = new Map<number, unknown>();
  const refreshOne = async (known: Vault): Promise<void> => {
    try {
      const vault = await load(known);
      if (vault === undefined) return;
      check(vault);
      vaults.set(vault.name, vault);
    } catch (error) {
      failures.set(known.id, error);
    }
  };
  await Promise.all([...vaults.values()].filter(({ id }) => ids.has(id)).map(refreshOne));
  return failures;
}

/** Whatever is wrong with a policy, it is none of the caller's fault. */
function ownFailure(cause: unknown): VaultError {
  const isOutage = cause instanceof VaultError && ERRORS[cause.code].status === 503;
  return new VaultError(isOutage ? cause.code : 'internal', { cause });
}
