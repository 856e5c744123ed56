import type { AuditEvent, AuditReceipt } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Answer, Call } from '../operation.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { findVault, type Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { type About, eventOfCall, eventsOfFates, type Fate } from './events.ts';
import { waitForGrid } from './grid.ts';

/** What an operation reports of its work: the answer, and the fate of each item behind it. */
export type Done<Output> = { output: Output; fates: readonly Fate[] };

/**
 * Runs one data-plane operation in the only order there is: find the vault, work (durable when it
 * resolves), audit (durable when it resolves), answer. A crash between work and audit leaves a token
 * that nobody was told, or a revocation without its event; a crash between audit and answer leaves an
 * event about an answer that nobody got. No disclosure can be without its event.
 *
 * Refusals and failures go on record before the caller hears of them; when even that fails, the
 * caller hears `audit_unavailable` and nothing else.
 */
export async function audited<Output>(
  deps: OperationDeps,
  call: Call,
  about: About,
  work: (session: Session) => Promise<Done<Output>>,
): Promise<Answer<Output>> {
  const startedAt = deps.clock.monotonic();
  const seen: Partial<Session> = { call };
  let done: Done<Output>;
  try {
    const vault = findVault(deps.vaults, call);
    seen.vault = vault;
    const cipher = await deps.keys.cipherOf(vault.id);
    seen.cipher = cipher;
    done = await work({ call, vault, cipher });
  } catch (error) {
    const failure = asVaultError(error);
    const receipt = await record(deps.audit, [eventOfCall({ call, ...seen }, about, failure.code)]);
    failure.auditEventId = receipt.eventId;
    if (failure.code === 'token_not_found') await waitForGrid(deps.clock, startedAt);
    throw failure;
  }
  const receipt = await record(deps.audit, eventsOfFates({ call, ...seen }, about, done.fates));
  if (done.fates.some(({ failure }) => failure?.code === 'token_not_found')) {
    await waitForGrid(deps.clock, startedAt);
  }
  return { output: done.output, receipt };
}

/** An error fit to cross a transport: what is not a `VaultError` becomes `internal`, its cause kept for the log. */
export function asVaultError(error: unknown): VaultError {
  return error instanceof VaultError ? error : new VaultError('internal', { cause: error });
}

/** All events of a request, concurrently; they share a commit. The first one's receipt is the answer's. */
async function record(audit: AuditLog, events: readonly AuditEvent[]): Promise<AuditReceipt> {
  const [first] = await Promise.all(events.map((event) => audit.append(event)));
  if (first === undefined)
    throw new VaultError('internal', { detail: 'an operation without an event' });
  return first;
}
