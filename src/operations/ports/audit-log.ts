import type { AuditEvent, AuditReceipt } from '../../domain/audit/event.ts';

export interface AuditLog {
  /**
   * Makes the event durable. Resolves only after the commit that holds it is known to have happened;
   * concurrent events share commits. Rejects with `audit_unavailable` when that is not so within the
   * deadline (2 s): the event may still become durable later (over-report), but the caller must then
   * withhold its answer.
   */
  append(event: AuditEvent): Promise<AuditReceipt>;
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
