import type { AuditOperations } from './audit-operations.ts';
import type { AuditProgress } from './ports/audit-log.ts';

const MAX_WAIT_MS = 5_000;

/** Waits for a published checkpoint over what was recorded so far, for callers who prefer to have a receipt. */
export function makeAuditPublished(deps: {
  progress: AuditProgress;
}): AuditOperations['auditPublished'] {
  return () => deps.progress.reached('checkpointed', MAX_WAIT_MS);
}
