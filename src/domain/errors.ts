/** One row per error that a client can see: its HTTP status, its text, and whether a retry may help. */
type ErrorRow = { status: number; title: string; retryable: boolean };

/**
 * The only catalogue of errors (RFC 9457 problem details). Every transport, the OpenAPI document and
 * the docs derive from it. Titles are constant: no input ever reaches an error text.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: 'The request is malformed', retryable: false },
  unauthenticated: { status: 401, title: 'A valid credential is required', retryable: false },
  forbidden: { status: 403, title: 'The policy does not allow this action', retryable: false },
  purpose_required: { status: 403, title: 'A declared purpose is required', retryable: false },
  reference_required: { status: 403, title: 'A valid reference is required', retryable: false },
  mfa_required: { status: 403, title: 'A second factor is required', retryable: false },
  approval_required: { status: 403, title: 'An approval is required', retryable: false },
  view_not_granted: { status: 403, title: 'This view is not granted', retryable: false },
  not_found: { status: 404, title: 'There is nothing here', retryable: false },
  vault_not_found: { status: 404, title: 'There is no such vault', retryable: false },
  token_not_found: { status: 404, title: 'There is no such token', retryable: false },
  method_not_allowed: { status: 405, title: 'This method is not allowed here', retryable: false },
  idempotency_in_flight: {
    status: 409,
    title: 'The first request with this key is still running',
    retryable: true,
  },
  policy_conflict: {
    status: 409,
    title: 'The policy has changed since it was planned',
    retryable: false,
  },
  token_space_exhausted: {
    status: 409,
    title: 'No free token is left in this format',
    retryable: false,
  },
  token_conflict: {
    status: 409,
    title: 'The token or the value is taken',
    retryable: false,
  },
  payload_too_large: { status: 413, title: 'The request body is too large', retryable: false },
  unsupported_media_type: {
    status: 415,
    title: 'This media type is not accepted here',
    retryable: false,
  },
  value_invalid: { status: 422, title: 'The value does not fit its field', retryable: false },
  field_unknown: { status: 422, title: 'The vault has no such field', retryable: false },
  policy_invalid: { status: 422, title: 'The policy is invalid', retryable: false },
  idempotency_mismatch: {
    status: 422,
    title: 'This key was used with another request',
    retryable: false,
  },
  budget_exhausted: { status: 429, title: 'The budget is spent', retryable: true },
  rate_limited: { status: 429, title: 'Too many requests', retryable: true },
  headers_too_large: { status: 431, title: 'The request headers are too large', retryable: false },
  internal: { status: 500, title: 'Something went wrong on our side', retryable: true },
  audit_unavailable: { status: 503, title: 'The audit log cannot be written', retryable: true },
  store_unavailable: { status: 503, title: 'The store cannot be reached', retryable: true },
  key_unavailable: { status: 503, title: 'A key cannot be used', retryable: true },
  overloaded: { status: 503, title: 'The service is overloaded', retryable: true },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

/** One thing wrong with an input: where (JSON pointer or policy path) and which rule; never the value. */
export type Problem = { path: string; rule: string; hint?: string };

/**
 * The one error type that crosses layers. `code` decides what the client sees; `cause` and `detail`
 * stay inside, for the log; neither may hold a value, a token or a key.
 */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  /** Id of the audit event that recorded this failure; set once that event is durable. */
  auditEventId: string | undefined;

  constructor(
    code: ErrorCode,
    options: { cause?: unknown; detail?: string; problems?: readonly Problem[] } = {},
  ) {
    super(options.detail ?? ERRORS[code].title, { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
  }
}
