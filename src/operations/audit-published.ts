import type { AuditOperations } from './audit-operations.ts';
import type { AuditProgress } from './ports/audit-log.ts';

const MAX_WAIT_MS = 5_000;
/** Who waits is a request in flight, and of those an instance has some two thousand for everybody. */
const MAX_WAITING = 256;

/**
 * Waits for a published checkpoint over what was recorded so far, for callers who prefer to have a receipt.
 * False at once when very many wait already.
 */
export function makeAuditPublished(deps: {
  progress: AuditProgress;
}): AuditOperations['auditPublished'] {
  let waiting = 0;
  return async () => {
    if (waiting >= MAX_WAITING) return false;
    waiting += 1;
    try {
      return await deps.progress.reached('checkpointed', MAX_WAIT_MS);
    } finally {
      waiting -= 1;
    }
  };
}
