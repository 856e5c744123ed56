import type { AuditEvent, AuditReceipt } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Answer, Call } from '../call.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { VaultKeys } from '../ports/vault-keys.ts';
import type { VaultRegistry } from '../ports/vault-registry.ts';
import { findVault, type Session } from './access.ts';
import { type About, eventOfCall, eventsOfFates, type Fate } from './events.ts';
import { waitForGrid } from './grid.ts';

/**
 * What an operation reports of its work: the fate of each item, and the answer; or the effect that is
 * still to come, for operations that end something: it happens after its event, whose receipt it is given. `query`: what was asked for,
 * where that is neither a token nor a value.
 */
export type Done<Output> = { fates: readonly Fate[]; query?: About['query'] } & (
  | { output: Output }
  | { effect: (receipt: AuditReceipt) => Promise<Output> }
);

/**
 * Runs one data-plane operation in the only order there is: find the vault, work (durable when it
 * resolves), audit (durable when it resolves), answer. A crash between work and audit leaves a token
 * that nobody was told; a crash between audit and answer leaves an event about an answer that nobody
 * got, or about a revocation that did not happen. No disclosure and no loss can be without its event.
 *
 * Refusals and failures go on record before the caller hears of them; when even that fails, the
 * caller hears `audit_unavailable` and nothing else.
 */
export async function audited<Output>(
  deps: { vaults: VaultRegistry; keys: VaultKeys; audit: AuditLog; clock: Clock },
  call: Call,
  about: About,
  work: (session: Session) => Promise<Done<Output>>,
): Promise<Answer<Output>> {
  const startedAt = deps.clock.monotonic();
  const seen: Partial<Session> = { call };
  const fail = async (error: unknown): Promise<never> => {
    const failure = asVaultError(error);
    const receipt = await record(deps.audit, [eventOfCall({ call, ...seen }, about, failure.code)]);
    failure.auditEventId = receipt.eventId;
    if (failure.code === 'token_not_found') await waitForGrid(deps.clock, startedAt);
    throw failure;
  };
  const find = async () => {
    const vault = findVault(deps.vaults, call);
    seen.vault = vault;
    const cipher = await deps.keys.cipherOf(vault.id);
    seen.cipher = cipher;
    return work({ call, vault, cipher });
  };
  const done = await find().catch(fail);
  const { fates, query } = done;
  const told = query === undefined ? about : { ...about, query };
  const receipt = await record(deps.audit, eventsOfFates({ call, ...seen }, told, fates));
  const output = 'effect' in done ? await done.effect(receipt).catch(fail) : done.output;
  if (fates.some(({ failure }) => failure?.code === 'token_not_found')) {
    await waitForGrid(deps.clock, startedAt);
  }
  return { output, receipt };
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
