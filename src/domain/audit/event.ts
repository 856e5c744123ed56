import type { ErrorCode } from '../errors.ts';
import type { Action } from '../policy/policy.ts';
import type { Json } from './jcs.ts';

/** What an event records. The service's own life has names of its own beside the actions of policy. */
export type AuditOperation =
  | Action
  | 'auth.fail'
  | 'request.reject'
  | 'policy.load'
  | 'vault.create'
  | 'vault.restore'
  | 'audit.search'
  | 'audit.export'
  | 'audit.erase'
  | 'audit.prune'
  | 'audit.writer.start'
  | 'audit.writer.heartbeat'
  | 'audit.writer.stop'
  | LogOperation;

/**
 * What the log records of itself. The sequencer writes these leaves into the tree directly, in the
 * transaction that they tell of: they have no writer, and no disclosures.
 */
export const LOG_OPERATIONS = [
  'log.open',
  'log.freeze',
  'log.key',
  'audit.gap',
  'audit.writer.closed',
] as const;

export type LogOperation = (typeof LOG_OPERATIONS)[number];

export type Outcome = 'allow' | 'deny' | 'error';

/**
 * One audit event as operations describe it, before it becomes a leaf (AUDIT-LOG §4.1, §5.2). `who`
 * and `what` are personal or sensitive and become sealed, salted disclosures; the rest is the leaf.
 * A request gives one event per outcome: a batch with refused items gives one event for those that
 * were allowed and one for each reason of refusal, so that each can be searched for.
 */
export type AuditEvent = {
  operation: AuditOperation;
  outcome: Outcome;
  /** HTTP status of the answer. */
  status: number;
  /** Machine reason of a denial or failure; `outdated`: the answer of an earlier event was withheld. */
  reason?: ErrorCode | 'outdated';
  /** Vault name, when the event belongs to a vault that exists. */
  vault?: string;
  /** `<version>:<content hash>` of the policy that decided. */
  policy?: string;
  /** How many tokens or values the request touched. */
  items: number;
  /** How many like requests this event stands for (aggregated failures); 1 when absent. */
  count?: number;
  /** Facts for everyone who reads the leaf, such as the extent of an erasure: never personal. */
  attributes?: { readonly [name: string]: Json };
  who: {
    actor?: { subject: string; issuer: string; credential: string; mfa: boolean };
    source?: { ip: string; userAgent?: string };
  };
  what: {
    requestId?: string;
    /** Token references, in request order; vaultless and over-long ones as keyed digests. */
    tokens?: readonly string[];
    fields?: readonly string[];
    view?: string;
    purpose?: string;
    reference?: string;
    /** What somebody who read the log asked for. */
    query?: { readonly [name: string]: Json };
  };
};

/** Proof, inside the process, that an event is durable. Answers that carry data need one. */
export type AuditReceipt = {
  /** The event's id: 128 random bits, base64url. */
  eventId: string;
};
