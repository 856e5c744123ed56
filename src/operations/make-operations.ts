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
import { makeDetokenizeStream } from './detokenize-stream.ts';
import type { EntryReads } from './entry-reads.ts';
import { makeEraseSubject } from './erase-subject.ts';
import { makeExportSubject } from './export-subject.ts';
import { type ExportDeps, makeExportVault } from './export-vault.ts';
import { makeImportTokens } from './import-tokens.ts';
import { makeInspect } from './inspect.ts';
import { makeLookup } from './lookup.ts';
import type { Operations } from './operation.ts';
import { makeReject } from './reject.ts';
import { makeRevoke } from './revoke.ts';
import { makeSearchTokens } from './search-tokens.ts';
import { makeStats } from './stats.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import type { OperationDeps } from './steps/deps.ts';
import { makeTokenize } from './tokenize.ts';
import { makeTokenizeBatch } from './tokenize-batch.ts';
import { makeTokenizeStream } from './tokenize-stream.ts';

/** Everything that transports can ask for, built once over the same dependencies. */
export function makeOperations(
  deps: OperationDeps &
    AuditDeps &
    ExportDeps & { authFailed: (source: Source) => void; entryReads: EntryReads },
): Operations {
  return {
    tokenize: makeTokenize(deps),
    tokenizeBatch: makeTokenizeBatch(deps),
    tokenizeStream: makeTokenizeStream(deps),
    detokenize: makeDetokenize(deps),
    detokenizeBatch: makeDetokenizeBatch(deps),
    detokenizeStream: makeDetokenizeStream(deps),
    lookup: makeLookup(deps),
    inspect: makeInspect(deps),
    revoke: makeRevoke(deps),
    importTokens: makeImportTokens(deps),
    search: makeSearchTokens(deps),
    eraseSubject: makeEraseSubject(deps),
    exportSubject: makeExportSubject(deps),
    stats: makeStats(deps),
    exportVault: makeExportVault(deps),
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
