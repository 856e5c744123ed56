import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ERRORS, type ErrorCode } from '../../domain/errors.ts';
import { PROBLEM_TYPE, problemBody } from './problem.ts';
import { API_HEADERS } from './security-headers.ts';

/** What Node's parser gave up on; everything else is a malformed request. */
const CODES: ReadonlyMap<unknown, ErrorCode> = new Map<unknown, ErrorCode>([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
]);

/**
 * Answers what never became a request (broken syntax, both lengths, oversized or too slow headers) with
 * a constant problem, and closes the connection: after a parse error nobody knows where the next
 * request would start. While an earlier request of the same socket is unanswered nothing is written:
 * the client would take the problem for that answer (response splitting by pipelining).
 */
export function makeClientErrors({ isHolding }: { isHolding: (socket: Socket) => boolean }) {
  const unanswered = new WeakMap<object, { requests: number }>();
  const add = (socket: object, count: number) => {
    const known = unanswered.get(socket);
    if (known === undefined) unanswered.set(socket, { requests: count });
    else known.requests += count;
  };
  return {
    requestBegan: (request: IncomingMessage) => add(request.socket, 1),
    requestEnded: (request: IncomingMessage) => add(request.socket, -1),
    answer: (error: Error & { code?: string }, socket: Socket): void => {
      const isBusy = (unanswered.get(socket)?.requests ?? 0) > 0 || isHolding(socket);
      if (error.code === 'ECONNRESET' || !socket.writable || isBusy) {
        socket.destroy();
        return;
      }
      const code = CODES.get(error.code) ?? 'invalid_request';
      socket.end(rawAnswer(code), () => socket.destroy());
    },
  };
}

function rawAnswer(code: ErrorCode): string {
  const body = problemBody(code);
  return [
    `HTTP/1.1 ${ERRORS[code].status} ${code}`,
    'connection: close',
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${globalThis.crypto.randomUUID()}`,
    ...Object.entries(API_HEADERS).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}
