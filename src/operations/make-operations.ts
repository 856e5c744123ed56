import type { Source } from '../domain/access/principal.ts';
import { makeAuditEntries } from './audit-entries.ts';
import { makeAuditEvent } from './audit-event.ts';
import { makeAuditExport } from './audit-export.ts';
import { makeAuditLogFiles } from './audit-log-files.ts';
import { makeAuditPublished } from './audit-published.ts';
import { makeAuditReceipt } from './audit-receipt.ts';
import { makeAuditSearch } from './audit-search.ts';
import { makeDetokenize } from './detokenize.ts';
import { makeDetokenizeBatch } from './detokenize-batch.ts';
import type { EntryReads } from './entry-reads.ts';
import { makeInspect } from './inspect.ts';
import { makeLookup } from './lookup.ts';
import type { Operations } from './operation.ts';
import { makeReject } from './reject.ts';
import { makeRevoke } from './revoke.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import type { OperationDeps } from './steps/deps.ts';
import { makeTokenize } from './tokenize.ts';
import { makeTokenizeBatch } from './tokenize-batch.ts';

/** Everything that transports can ask for, built once over the same dependencies. */
export function makeOperations(
  deps: OperationDeps &
    AuditDeps & { authFailed: (source: Source) => void; entryReads: EntryReads },
): Operations {
  return {
    tokenize: makeTokenize(deps),
    tokenizeBatch: makeTokenizeBatch(deps),
    detokenize: makeDetokenize(deps),
    detokenizeBatch: makeDetokenizeBatch(deps),
    lookup: makeLookup(deps),
    inspect: makeInspect(deps),
    revoke: makeRevoke(deps),
    auditSearch: makeAuditSearch(deps),
    auditEvent: makeAuditEvent(deps),
    auditReceipt: makeAuditReceipt(deps),
    auditExport: makeAuditExport(deps),
    auditEntries: makeAuditEntries(deps),
    ...makeAuditLogFiles(deps),
    auditPublished: makeAuditPublished(deps),
    reject: makeReject(deps),
    authFailed: deps.authFailed,
  };
}
