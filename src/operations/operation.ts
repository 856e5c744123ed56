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

export type ImportItem = TokenizeInput & { token: string };

export type SearchInput = {
  field?: string | undefined;
  /** Top-level members of the metadata that must be equal: strings, numbers, booleans. */
  tags?: { [name: string]: string | number | boolean } | undefined;
  /** RFC 3339; `from` inclusive, `to` exclusive. */
  from?: string | undefined;
  to?: string | undefined;
  /** 1 to 1,000; 100 when absent. */
  limit?: number | undefined;
  cursor?: string | undefined;
};
export type SearchOutput = {
  items: { token: string; field: string; createdAt: string; expiresAt?: string }[];
  /** Present when there may be more. */
  cursor?: string;
};

/** One line of a stream as its transport read it: an input that fits its schema, or why there is none. */
export type StreamItem<Input> = { input: Input } | { failure: VaultError };

/** One line of the answer: what the single call would have answered, or the line's error. */
export type TokenizeLine = TokenizeOutput | ItemError;
export type DetokenizeLine = DetokenizeOutput | ItemError;

/**
 * An operation on lines without end: windows of lines in, windows of as many answers out, in the same
 * order. A window leaves when its events are durable; the receipt is that of the first one. Windows are
 * asked for only while answers are taken, and a few at most are held. Rejects as any operation does while
 * nothing is answered; afterwards failures are answers of their lines, and only the source's own failure
 * ends the answer.
 */
export type StreamOperation<Input, Line> = (
  call: Call,
  windows: AsyncIterable<readonly StreamItem<Input>[]>,
) => Promise<Answer<AsyncIterable<readonly Line[]>>>;

export type SubjectExport = {
  /** By field; in the order of creation. */
  fields: {
    [field: string]: {
      token: string;
      value: string;
      createdAt: string;
      expiresAt?: string;
      metadata?: { [key: string]: JsonValue };
    }[];
  };
};

export type FieldStats = {
  field: string;
  mode: string;
  format: string;
  /** Live tokens, and strings that are never issued again. Absent for fields that store nothing. */
  used?: number;
  /** Tokens of one kept part, as a decimal number: it may be longer than JSON numbers are exact. */
  capacity: string;
  /** Absent for formats that cannot fill up. `used` of the fullest kept part, at most. */
  fullest?: { used: number; ratio: number };
  /** Kept parts that are told apart. */
  spaces?: number;
};

/** Everything a transport can ask for. One operation per file of this folder. */
export type Operations = AuditOperations & {
  tokenize: Operation<TokenizeInput, TokenizeOutput>;
  tokenizeBatch: Operation<
    { items: readonly TokenizeInput[] },
    { items: (TokenizeOutput | ItemError)[] }
  >;
  tokenizeStream: StreamOperation<TokenizeInput, TokenizeLine>;
  detokenize: Operation<DetokenizeInput, DetokenizeOutput>;
  detokenizeBatch: Operation<DetokenizeBatchInput, { items: (DetokenizeOutput | ItemError)[] }>;
  detokenizeStream: StreamOperation<DetokenizeInput, DetokenizeLine>;
  lookup: Operation<{ field: string; value: string; subject?: string | undefined }, TokenizeOutput>;
  inspect: Operation<{ token: string }, InspectOutput>;
  revoke: Operation<{ tokens: readonly string[] }, { revoked: number }>;
  importTokens: Operation<
    { items: readonly ImportItem[] },
    { items: (TokenizeOutput | ItemError)[] }
  >;
  search: Operation<SearchInput, SearchOutput>;
  eraseSubject: Operation<{ subject: string }, { erased: number; receipt: string }>;
  exportSubject: Operation<{ subject: string }, SubjectExport>;
  stats: Operation<Record<never, never>, { fields: FieldStats[] }>;
  /** An age file. `content` may fail after it began: what was sent by then is not an export. */
  exportVault: Operation<Record<never, never>, { content: AsyncIterable<Buffer> }>;
  /**
   * Puts an authenticated request on record that failed before its operation could run (malformed
   * body, unknown route below a vault, an error nobody foresaw).
   */
  reject: (call: Caller & { vault?: string }, error: VaultError) => Promise<AuditReceipt>;
  /** Counts an unauthenticated failure; one event per source and minute, written behind. */
  authFailed: (source: Source) => void;
};
