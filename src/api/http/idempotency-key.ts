import type { FastifyRequest } from 'fastify';
import { VaultError } from '../../domain/errors.ts';
import type { Idempotency } from '../../operations/call.ts';

const HEADER = 'idempotency-key';

/** 1 to 255 printable ASCII characters; of spaces, the parser has dropped those around it. */
const KEY = /^[\x20-\x7e]{1,255}$/;

/** True when the caller sent a key, whatever is in it. */
export function hasIdempotencyKey({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers[HEADER] !== undefined;
}

/** Refuses a key where none is heeded: ignored in silence, it would let a caller repeat what it believes safe. */
export function checkNoIdempotencyKey(request: FastifyRequest): void {
  if (hasIdempotencyKey(request)) throw refusal('not_supported');
}

/**
 * Refuses a key that is none, and two of them: they are one list by the time anyone reads them, and who
 * sent the second one, a proxy perhaps, meant another call.
 */
export function checkIdempotencyKey(request: FastifyRequest): void {
  if (!hasIdempotencyKey(request)) return;
  const names = request.raw.rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === HEADER).length > 1) throw refusal('repeated');
  if (!KEY.test(String(request.headers[HEADER]))) throw refusal('malformed');
}

/** What makes the call repeatable, when its route heeds the key and the caller sent one. */
export function idempotencyOf(request: FastifyRequest): Idempotency | undefined {
  const { bodyText: body, routed } = request;
  const route = routed?.url;
  return body === undefined || route === undefined
    ? undefined
    : { key: String(request.headers[HEADER]), route, body };
}

function refusal(rule: 'not_supported' | 'repeated' | 'malformed'): VaultError {
  return new VaultError('invalid_request', { problems: [{ path: 'Idempotency-Key', rule }] });
}
