import type { Source } from '../domain/access/principal.ts';
import type { AuditReceipt } from '../domain/audit/event.ts';
import type { ErrorCode, VaultError } from '../domain/errors.ts';
import type { AuditOperations } from './audit-operations.ts';
import type { Answer, Call, Caller } from './call.ts';

/**
 * One operation as transports see it. It authorizes, works, audits, then answers, in that order. It
 * rejects with a `VaultError` only; one that carries `auditEventId` is already on record, any other
 * one the transport must put on record with `reject` before it answers.
 */
export type Operation<Input, Output> = (call: Call, input: Input) => Promise<Answer<Output>>;

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | JsonValue[]
  | { [key: string]: JsonValue };

export type TokenizeInput = {
  field: string;
  value: string;
  subject?: string | undefined;
  /** At most 4 KiB as JSON. */
  metadata?: { [key: string]: JsonValue } | undefined;
  /** RFC 3339, in the future. */
  expiresAt?: string | undefined;
};
export type TokenizeOutput = { token: string };

/** The fate of one item of a batch that failed; constant texts, as in the error table. */
export type ItemError = { error: { code: ErrorCode; message: string; retryable: boolean } };

/** How a caller explains a reveal; binds every item of a batch alike. */
export type RevealContext = {
  view?: string | undefined;
  purpose?: string | undefined;
  reference?: string | undefined;
  approval?: string | undefined;
};
export type DetokenizeInput = RevealContext & { token: string; field?: string | undefined };
export type DetokenizeOutput = { value: string; field: string; view: string };
export type DetokenizeBatchInput = RevealContext & {
  tokens: readonly (string | { token: string; field?: string | undefined })[];
};

export type InspectOutput = {
  field: string;
  createdAt: string;
  expiresAt?: string;
  metadata?: { [key: string]: JsonValue };
};

/** Everything a transport can ask for. One operation per file of this folder. */
export type Operations = AuditOperations & {
  tokenize: Operation<TokenizeInput, TokenizeOutput>;
  tokenizeBatch: Operation<
    { items: readonly TokenizeInput[] },
    { items: (TokenizeOutput | ItemError)[] }
  >;
  detokenize: Operation<DetokenizeInput, DetokenizeOutput>;
  detokenizeBatch: Operation<DetokenizeBatchInput, { items: (DetokenizeOutput | ItemError)[] }>;
  lookup: Operation<{ field: string; value: string; subject?: string | undefined }, TokenizeOutput>;
  inspect: Operation<{ token: string }, InspectOutput>;
  revoke: Operation<{ tokens: readonly string[] }, { revoked: number }>;
  /**
   * Puts an authenticated request on record that failed before its operation could run (malformed
   * body, unknown route below a vault, an error nobody foresaw).
   */
  reject: (call: Caller & { vault?: string }, error: VaultError) => Promise<AuditReceipt>;
  /** Counts an unauthenticated failure; one event per source and minute, written behind. */
  authFailed: (source: Source) => void;
};
