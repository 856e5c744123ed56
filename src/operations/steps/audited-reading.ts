import type { AuditEvent } from '../../domain/audit/event.ts';
import type { Json } from '../../domain/audit/jcs.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Answer, Caller } from '../call.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Vault } from '../ports/vault-registry.ts';
import { asVaultError } from './audited.ts';
import { outcomeOf, whoOf } from './events.ts';

/** What is known of a reading while it runs: its event tells that much, however it ends. */
export type Reading = {
  operation: 'audit.search' | 'audit.read' | 'audit.export';
  /** Set once it is known to exist and to be the caller's. */
  vault?: Vault;
  /** What was asked for. Texts that could be anything only as keyed digests. */
  query: { [name: string]: Json };
  /** How many events the answer holds. */
  items: number;
};

/**
 * Runs one reading of the log: decide and read, then audit (durable when it resolves), then answer. Reading
 * is an event like any other (PCI DSS 10.2.1.3); a crash before the answer over-reports.
 */
export async function auditedReading<Output>(
  { audit }: { audit: AuditLog },
  { caller, operation }: { caller: Caller; operation: Reading['operation'] },
  work: (reading: Reading) => Promise<Output>,
): Promise<Answer<Output>> {
  const reading: Reading = { operation, query: {}, items: 0 };
  const output = await work(reading).catch(async (error: unknown): Promise<never> => {
    const failure = asVaultError(error);
    const receipt = await audit.append(
      readingEvent(caller, { ...reading, items: 0 }, failure.code),
    );
    failure.auditEventId = receipt.eventId;
    throw failure;
  });
  return { output, receipt: await audit.append(readingEvent(caller, reading, 'allowed')) };
}

/** The event of a reading. */
export function readingEvent(
  caller: Caller,
  { operation, vault, query, items }: Reading,
  key: ErrorCode | 'allowed',
): AuditEvent {
  return {
    operation,
    ...outcomeOf(key),
    ...(vault === undefined ? {} : { vault: vault.name, policy: vault.policyRef }),
    items,
    who: whoOf(caller),
    what: { requestId: caller.requestId, query },
  };
}
