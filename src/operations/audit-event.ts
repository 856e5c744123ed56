import type { AuditOperations } from './audit-operations.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { auditedReading } from './steps/audited-reading.ts';
import { findReadable, openStored, viewStored } from './steps/stored-events.ts';

/** Shows one event of the log, to those who may read its vault. */
export function makeAuditEvent(deps: AuditDeps): AuditOperations['auditEvent'] {
  return (caller, { id }) =>
    auditedReading(deps, { caller, operation: 'audit.read' }, async (reading) => {
      const event = await findReadable(deps, { caller, id, reading });
      return viewStored(await deps.reader.shards(), await openStored(deps, event));
    });
}
