import type { AuditExportInput, AuditExportOutput, AuditOperations } from './audit-operations.ts';
import type { Caller } from './call.ts';
import { exportStream } from './export/formats.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { periodOf } from './steps/audit-filter.ts';
import { auditScopeOf, checkReadsEverything } from './steps/audit-scope.ts';
import { auditedReading, type Reading } from './steps/audited-reading.ts';
import { findShard, orNotFound } from './steps/log-files.ts';

/** An export holds what its caller did just before, unless the log is slower than this. */
const CHECKPOINT_WAIT_MS = 3_000;

/**
 * Exports a shard up to its newest checkpoint, as a stream, to those who may read every vault. The event is
 * durable before the first byte; how much was taken it does not say, because nobody knows by then.
 */
export function makeAuditExport(deps: AuditDeps): AuditOperations['auditExport'] {
  return (caller, input) =>
    auditedReading(deps, { caller, operation: 'audit.export' }, (reading) =>
      prepareExport(deps, { caller, input, reading }),
    );
}

async function prepareExport(
  deps: AuditDeps,
  ask: { caller: Caller; input: AuditExportInput; reading: Reading },
): Promise<AuditExportOutput> {
  const { caller, input, reading } = ask;
  const { format, vault, from, to } = input;
  if (vault !== undefined) {
    const [known] = auditScopeOf(deps, caller, vault).vaults;
    if (known !== undefined) reading.vault = known;
  }
  checkReadsEverything(deps, caller);
  const period = periodOf({ from, to });
  await deps.progress.reached('checkpointed', CHECKPOINT_WAIT_MS);
  const shard = await findShard(deps, input.shard ?? 'active');
  reading.query = { format, shard: shard.shard, vault, from, to };
  const checkpoint = orNotFound(await deps.reader.checkpoint(shard.logId));
  const content = exportStream(
    { reader: deps.reader, keysets: deps.auditKeys, vkeysOf: deps.vkeysOf, version: deps.version },
    { format, shard, checkpoint, ...(vault === undefined ? {} : { vault }), ...period },
  );
  return { shard: shard.shard, content };
}
