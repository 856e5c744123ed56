import { VaultError } from '../domain/errors.ts';
import type { AuditOperations } from './audit-operations.ts';
import type { Caller } from './call.ts';
import type { EntryReads } from './entry-reads.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { checkReadsEverything } from './steps/audit-scope.ts';
import { asVaultError } from './steps/audited.ts';
import { type Reading, readingEvent } from './steps/audited-reading.ts';
import { findShard, orNotFound, readTilePath } from './steps/log-files.ts';

type Deps = AuditDeps & { entryReads: EntryReads };

/**
 * Serves entry bundles (tlog-tiles) to those who may read every vault. A client that mirrors the log reads
 * thousands of them: what is read is on record once a caller and minute, with a count of the rest; refusals
 * and failures each.
 */
export function makeAuditEntries(deps: Deps): AuditOperations['auditEntries'] {
  return async (caller, { shard, path }) => {
    const reading: Reading = { operation: 'audit.read', query: { entries: true }, items: 0 };
    const output = await readBundle(deps, { caller, shard, path, reading }).catch(
      async (error: unknown): Promise<never> => {
        const failure = asVaultError(error);
        const receipt = await deps.audit.append(readingEvent(caller, reading, failure.code));
        failure.auditEventId = receipt.eventId;
        throw failure;
      },
    );
    return { output, receipt: await deps.entryReads.record(caller, reading) };
  };
}

async function readBundle(
  deps: Deps,
  ask: { caller: Caller; shard: string; path: string; reading: Reading },
): Promise<Buffer> {
  // Most reads have no event of their own, whose statement would look: so the policies are looked at here.
  await deps.vaults.refresh(deps.vaults.all().map(({ id }) => id));
  checkReadsEverything(deps, ask.caller);
  const { level, index, width } = readTilePath(ask.path);
  if (level !== 'entries') throw new VaultError('not_found');
  const { logId, shard } = await findShard(deps, ask.shard);
  ask.reading.query = { ...ask.reading.query, shard };
  return orNotFound(await deps.reader.bundle(logId, { index, width }));
}
