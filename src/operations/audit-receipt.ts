import { VaultError } from '../domain/errors.ts';
import type { AuditOperations } from './audit-operations.ts';
import type { PublishedCheckpoint, StoredEvent } from './ports/audit-reader.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { auditedReading } from './steps/audited-reading.ts';
import { proveEvent } from './steps/prove-event.ts';
import { findReadable, openStored } from './steps/stored-events.ts';

const CHECKPOINT_WAIT_MS = 3_000;

/**
 * Gives the receipt of an event: a tlog-proof (C2SP) to the newest checkpoint. Its `extra` holds the leaf and
 * what is left of the disclosures, so that it can be checked with nothing but the log's policy file.
 */
export function makeAuditReceipt(deps: AuditDeps): AuditOperations['auditReceipt'] {
  return (caller, { id }) =>
    auditedReading(deps, { caller, operation: 'audit.read' }, async (reading) => {
      const found = await findReadable(deps, { caller, id, reading });
      reading.query = { ...reading.query, receipt: true };
      const { stored, who, what } = await openStored(deps, found);
      const checkpoint = await coveringCheckpoint(deps, stored);
      const disclosures = [who, what].flatMap((opened) => opened?.text ?? []);
      return proveEvent(deps.reader, { event: stored, checkpoint, disclosures });
    });
}

/** The newest checkpoint, once it covers the event. */
async function coveringCheckpoint(
  { reader, progress }: AuditDeps,
  { logId, index }: StoredEvent,
): Promise<PublishedCheckpoint> {
  const covering = async () => {
    const newest = await reader.checkpoint(logId);
    return newest !== undefined && newest.size > index ? newest : undefined;
  };
  const now = await covering();
  if (now !== undefined) return now;
  await progress.reached('checkpointed', CHECKPOINT_WAIT_MS);
  const later = await covering();
  if (later === undefined) {
    throw new VaultError('store_unavailable', { detail: 'no checkpoint covers the event yet' });
  }
  return later;
}
