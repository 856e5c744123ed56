import type { FastifyReply } from 'fastify';
import { ERRORS, type ErrorCode, type Problem, type VaultError } from '../../domain/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The `type` of a problem (RFC 9457 §3.1.1): a link to its row on the reference page. */
export function problemUri(code: ErrorCode): string {
  return `/docs/errors#${code}`;
}

/** Headers that belong to a code (RFC 6750 §3, RFC 9110 §10.2.3). */
const HEADERS: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthenticated: { 'www-authenticate': 'Bearer' },
  rate_limited: { 'retry-after': '1' },
  audit_unavailable: { 'retry-after': '1' },
  store_unavailable: { 'retry-after': '1' },
  key_unavailable: { 'retry-after': '1' },
};

/** Seconds, at most, that refused clients are told to wait: those that came at once shall not come back at once. */
const OVERLOADED_RETRY_S = 3;

function headersOf(code: ErrorCode): Record<string, string> | undefined {
  if (code !== 'overloaded') return HEADERS[code];
  return { 'retry-after': String(1 + Math.floor(Math.random() * OVERLOADED_RETRY_S)) };
}

/**
 * The body of a problem answer (RFC 9457), from the table and the problems alone: the same code and problems
 * give the same bytes, whatever was asked, so a refusal cannot be told from an absence.
 */
export function problemBody(code: ErrorCode, problems: readonly Problem[] = []): string {
  const { title, status } = ERRORS[code];
  const errors = problems.map(({ path, rule, hint }) => ({
    path,
    rule,
    ...(hint !== undefined && { hint }),
  }));
  return JSON.stringify({
    type: problemUri(code),
    title,
    status,
    code,
    ...(errors.length > 0 ? { errors } : {}),
  });
}

/** Sets status and headers of a problem and gives its body. */
export function prepareProblem(
  reply: FastifyReply,
  error: Pick<VaultError, 'code' | 'problems'>,
): string {
  reply.code(ERRORS[error.code].status).headers({
    'content-type': PROBLEM_TYPE,
    ...headersOf(error.code),
  });
  return problemBody(error.code, error.problems);
}
