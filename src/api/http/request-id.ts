import type { IncomingMessage } from 'node:http';

/** A UUID or a trace id. It reaches logs and audit records: no card number or name has this form. */
const ACCEPTABLE = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/**
 * The id of a request, for the header `X-Request-Id`, the log and the audit record: the caller's own
 * when it is 32 hexadecimal digits, else a new UUID (the platform draws them in blocks).
 */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && ACCEPTABLE.test(given)
    ? given
    : globalThis.crypto.randomUUID();
}
