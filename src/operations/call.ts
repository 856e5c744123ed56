import type { Principal, Source } from '../domain/access/principal.ts';
import type { AuditReceipt } from '../domain/audit/event.ts';

/** Who asks, from where, of which vault. Built by the transport from the credential and the route. */
export type Call = {
  principal: Principal;
  source: Source;
  requestId: string;
  vault: string;
  /** Present when the caller sent an Idempotency-Key. */
  idempotency?: Idempotency;
};

/** Makes a call repeatable: the caller's key, the route that it is for, and the body as it came. */
export type Idempotency = { key: string; route: string; body: string };

/** Who asks, where no vault is named by the route. */
export type Caller = Omit<Call, 'vault'>;

/** What an operation gives back: the output, and the proof that the event about it is durable. */
export type Answer<Output> = { output: Output; receipt: AuditReceipt };
