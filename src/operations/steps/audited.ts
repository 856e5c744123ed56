import type { AuditEvent, AuditReceipt } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Answer, Call } from '../call.ts';
import type { AuditLog, Basis } from '../ports/audit-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReadNotes, TokenReads } from '../ports/token-reads.ts';
import type { VaultKeys } from '../ports/vault-keys.ts';
import type { Vault, VaultRegistry } from '../ports/vault-registry.ts';
import { findVault, type Session } from './access.ts';
import { untilItHolds } from './attempts.ts';
import {
  type About,
  asWithheld,
  eventOfCall,
  eventsOfFates,
  type Fate,
  type Seen,
} from './events.ts';
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

type AuditedDeps = {
  vaults: VaultRegistry;
  keys: VaultKeys;
  reads: TokenReads;
  audit: AuditLog;
  clock: Clock;
};

/** One request, and when it began on the monotonic clock: its attempts have one grid. */
type Request<Output> = {
  call: Call;
  about: About;
  work: (session: Session) => Promise<Done<Output>>;
  startedAt: number;
};

/**
 * Runs one data-plane operation in the only order there is: find the vault, work (durable when it
 * resolves), audit (durable when it resolves), answer. A crash between work and audit leaves a token
 * that nobody was told; a crash between audit and answer leaves an event about an answer that nobody
 * got, or about a revocation that did not happen. No disclosure and no loss can be without its event.
 *
 * Refusals and failures go on record before the caller hears of them; when even that fails, the
 * caller hears `audit_unavailable` and nothing else.
 *
 * The audit also tells whether the policy and what caches said still held. When not, the answer is withheld,
 * which is an event of its own, and the work is done anew. What an attempt has stored or spent, stays: a token
 * that nobody was told, or reveals of a budget.
 */
export async function audited<Output>(
  deps: AuditedDeps,
  call: Call,
  about: About,
  work: (session: Session) => Promise<Done<Output>>,
): Promise<Answer<Output>> {
  const request = { call, about, work, startedAt: deps.clock.monotonic() };
  let seen: Seen = { call };
  return untilItHolds(deps, {
    attempt: (isFresh) => {
      seen = { call };
      return attemptOnce(deps, request, { seen, isFresh });
    },
    withhold: (outdated) => {
      deps.reads.forget(outdated.over.cached);
      return deps.audit.append(asWithheld(eventOfCall(seen, about), outdated));
    },
    fail: (error) => fail(deps, request, seen, error),
  });
}

async function attemptOnce<Output>(
  deps: AuditedDeps,
  request: Request<Output>,
  { seen, isFresh }: { seen: Seen; isFresh: boolean },
): Promise<Answer<Output>> {
  const { call, about, work, startedAt } = request;
  const notes: ReadNotes = { isFresh, cached: [] };
  // The vault whose policy decides, also that the caller may not know of it.
  const basis = basisOf(deps.vaults.find(call.vault), notes);
  const find = async () => {
    const vault = findVault(deps.vaults, call);
    seen.vault = vault;
    const cipher = await deps.keys.cipherOf(vault.id);
    seen.cipher = cipher;
    return work({ call, vault, cipher, notes, atMs: deps.clock.now() });
  };
  const done = await find().catch((error) => fail(deps, request, seen, error, basis));
  const { fates, query } = done;
  const told = query === undefined ? about : { ...about, query };
  const receipt = await record(deps.audit, eventsOfFates(seen, told, fates), basis);
  // Nothing that was done is done again: a failure from here on is told as it is.
  const output =
    'effect' in done
      ? await done.effect(receipt).catch((error) => fail(deps, request, seen, error))
      : done.output;
  if (fates.some(({ failure }) => failure?.code === 'token_not_found')) {
    await waitForGrid(deps.clock, startedAt);
  }
  return { output, receipt };
}

/** Puts a failure on record, then throws it. */
async function fail(
  { audit, clock }: Pick<AuditedDeps, 'audit' | 'clock'>,
  { about, startedAt }: Request<unknown>,
  seen: Seen,
  error: unknown,
  basis?: Basis,
): Promise<never> {
  const failure = asVaultError(error);
  const receipt = await audit.append(eventOfCall(seen, about, failure.code), basis);
  failure.auditEventId = receipt.eventId;
  if (failure.code === 'token_not_found') await waitForGrid(clock, startedAt);
  throw failure;
}

/** An error fit to cross a transport: what is not a `VaultError` becomes `internal`, its cause kept for the log. */
export function asVaultError(error: unknown): VaultError {
  return error instanceof VaultError ? error : new VaultError('internal', { cause: error });
}

/** What a request rests on; `notes` grow while it is worked on. */
function basisOf(vault: Vault | undefined, { cached }: ReadNotes): Basis {
  const policies = vault === undefined ? [] : [{ vaultId: vault.id, version: vault.policyVersion }];
  return { policies, cached };
}

/**
 * All events of a request, concurrently; they share a commit. The first one's receipt is the answer's, and it
 * carries the basis of all: none is answered before all are durable.
 */
async function record(
  audit: AuditLog,
  [first, ...others]: readonly AuditEvent[],
  basis: Basis,
): Promise<AuditReceipt> {
  if (first === undefined)
    throw new VaultError('internal', { detail: 'an operation without an event' });
  const [receipt] = await Promise.all([
    audit.append(first, basis),
    ...others.map((event) => audit.append(event)),
  ]);
  return receipt;
}
