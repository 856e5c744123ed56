import { VaultError } from '../../domain/errors.ts';
import { OutdatedBasis } from '../ports/audit-log.ts';
import type { VaultRegistry } from '../ports/vault-registry.ts';

/**
 * Attempts at a request whose answers are withheld. The second one reads nothing from caches and decides by
 * the policy of then: a third is for somebody who changes policies faster than requests take.
 */
const MAX_ATTEMPTS = 3;

/** A request that may have to be worked on more than once. */
type Request<Output> = {
  /** Works and puts the answer on record. `isFresh`: what is remembered was wrong once. */
  attempt: (isFresh: boolean) => Promise<Output>;
  /** Puts it on record that the answer of the last attempt did not leave. */
  withhold: (outdated: OutdatedBasis) => Promise<unknown>;
  /** Puts a failure on record and throws it. */
  fail: (error: unknown) => Promise<never>;
};

/** Works on a request until its answer rests on what is in force: then it may leave. */
export async function untilItHolds<Output>(
  { vaults }: { vaults: Pick<VaultRegistry, 'refresh'> },
  { attempt, withhold, fail }: Request<Output>,
): Promise<Output> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt(attempts > 1);
    } catch (error) {
      if (!(error instanceof OutdatedBasis)) throw error;
      await withhold(error);
      if (attempts === MAX_ATTEMPTS) return fail(new VaultError('overloaded'));
      const replaced = error.over.policies.map(({ vaultId }) => vaultId);
      if (replaced.length > 0) await vaults.refresh(replaced).catch(fail);
    }
  }
}
