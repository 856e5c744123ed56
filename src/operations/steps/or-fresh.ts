import type { Soon } from '../../domain/soon.ts';
import type { Session } from './access.ts';
import { asVaultError } from './audited.ts';
import type { OperationDeps } from './deps.ts';

/**
 * Works with what caches say, and when that does not open, or is not what it should be, once more with what
 * the store says: a cache that holds what we did not write is as one that has nothing (`TokenReads`). What only
 * the store can have wrong fails as ever.
 */
export function orFresh<Output>(
  { reads }: Pick<OperationDeps, 'reads'>,
  session: Session,
  work: (session: Session) => Soon<Output>,
): Soon<Output> {
  const { notes } = session;
  const notedBefore = notes.cached.length;
  const again = (error: unknown): Soon<Output> => {
    // Of a batch, neighbours among them: they are merely read anew.
    const suspects = notes.cached.slice(notedBefore);
    if (suspects.length === 0 || asVaultError(error).code !== 'internal') throw error;
    reads.forget(suspects);
    return work({ ...session, notes: { ...notes, isFresh: true } });
  };
  try {
    const result = work(session);
    return result instanceof Promise ? result.catch(again) : result;
  } catch (error) {
    return again(error);
  }
}
