import type { AuditEvent, AuditReceipt } from '../../domain/audit/event.ts';
import type { TokenKey } from './token-store.ts';

/** A token that was read before: it may have ended since, and nobody has looked. */
export type CachedToken = TokenKey & {
  /** When it, or its entry in the cache, ends by the store's clock; milliseconds since the epoch. */
  untilMs: number;
  /** The sealed value that was read. A row of the same token that holds another one is not this row. */
  sealed: Buffer;
};

/** A policy that decided, as it was known in memory. */
export type PolicyBasis = { vaultId: number; version: number };

/** What an answer rests on that may be over by now. */
export type Basis = { policies: readonly PolicyBasis[]; cached: readonly CachedToken[] };

/**
 * The event is durable, and what it tells of must not happen: a policy in its basis was replaced, or a token
 * has ended. Whoever gets this withholds the answer; nothing else stands between old data and the caller.
 */
export class OutdatedBasis extends Error {
  readonly eventId: string;
  /** What of the basis is over; at least one. */
  readonly over: Basis;

  constructor(eventId: string, over: Basis) {
    super('the answer rests on what is over');
    this.name = 'OutdatedBasis';
    this.eventId = eventId;
    this.over = over;
  }
}

export interface AuditLog {
  /**
   * Makes the event durable. Resolves only after the commit that holds it is known to have happened;
   * concurrent events share commits. Rejects with `audit_unavailable` when that is not so within the
   * deadline (2 s): the event may still become durable later (over-report), but the caller must then
   * withhold its answer.
   *
   * The statement that stores the event also looks whether `basis` still holds, at a moment after this call:
   * what was acknowledged as ended or replaced before it is seen. When it does not hold, the event is durable
   * and the call rejects with `OutdatedBasis`.
   */
  append(event: AuditEvent, basis?: Basis): Promise<AuditReceipt>;
}

/** How far the events of this instance have come on their way into the tree. */
export interface AuditProgress {
  /**
   * Waits until every event that `append` reported durable before this call has its place in the tree,
   * and, for `checkpointed`, is covered by a published checkpoint. False when that did not happen within
   * `withinMs`. Never rejects.
   */
  reached(stage: 'integrated' | 'checkpointed', withinMs: number): Promise<boolean>;
}
