import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { type ErrorCode, VaultError } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import { sourceOf, vaultOf } from './context.ts';
import { prepareProblem, problemBody } from './problem.ts';
import { API_HEADERS } from './security-headers.ts';

/** Routes that answer without a credential. To be public, a route must be named here. */
export const PUBLIC_ROUTES: ReadonlySet<string> = new Set([
  '/openapi.json',
  '/docs',
  '/docs/errors',
  '/docs/style.css',
  // Hashes and signatures: nothing of an event can be told from them (C2SP tlog-tiles).
  '/v1/audit/log/:shard/checkpoint',
  '/v1/audit/log/:shard/tile/:level/*',
  '/v1/audit/log/:shard/vkey',
  '/v1/audit/erasures/vkey',
]);

/**
 * Answers that may leave an audited route without a receipt, by their very bytes: they carry no data by
 * construction. The first two are made before anyone is known, the last because nothing can be recorded.
 */
const EXEMPT: ReadonlyMap<unknown, ErrorCode> = new Map(
  (['unauthenticated', 'overloaded', 'audit_unavailable'] as const).map((code) => [
    problemBody(code),
    code,
  ]),
);

/** Headers that an answer without a receipt keeps; anything else could carry data out. */
const HARMLESS_HEADERS = ['connection', ...Object.keys(API_HEADERS)];

type Done = (error: null, payload: unknown) => void;

/**
 * Installs the guard: no answer of an audited route leaves without proof that its event is durable,
 * whatever made it (handler, hook, error handler, stream), on routes of today and tomorrow. The server
 * does not start with a route that fails to say who may call it and whether it is audited.
 */
export function installAuditGuard(app: FastifyInstance): void {
  const onSend = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done) => {
    done(null, release(request, reply, payload));
  };
  app.addHook('onRoute', (route) => {
    checkRoute(route);
    // Last of all: a hook that a route brings along must not change the payload after the check.
    route.onSend = [...[route.onSend ?? []].flat(), onSend];
  });
  // For what no route matches; declared first, so for routes it merely runs once more.
  app.addHook('onSend', onSend);
}

function checkRoute({ url, config, method }: RouteOptions): void {
  const { auth, audit } = config ?? {};
  if (auth === undefined || audit === undefined) {
    throw new Error(`route ${method} ${url} does not declare config.auth and config.audit`);
  }
  if (auth === 'public' && (audit !== 'none' || !PUBLIC_ROUTES.has(url))) {
    throw new Error(`route ${method} ${url} is not on the list of public routes`);
  }
  if (auth === 'bearer' && audit !== 'required') {
    throw new Error(`route ${method} ${url} needs a credential, so it must be audited`);
  }
}

function release(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (request.routed?.config.audit === 'none') {
    return payload;
  }
  // The record of a failure vouches for that failure's own answer, not for data sent in its place.
  const isEmptied = isEmptiedHead(request, payload);
  const isVouchedFor =
    request.failureBody === undefined || payload === request.failureBody || isEmptied;
  if (request.auditReceipt !== undefined && isVouchedFor) {
    reply.header('audit-event-id', request.auditReceipt.eventId);
    return payload;
  }
  const verdict = isEmptied ? verdicts.get(request) : EXEMPT.get(payload);
  const code = verdict ?? 'audit_unavailable';
  verdicts.set(request, code);
  discard(payload);
  for (const name of Object.keys(reply.getHeaders())) {
    if (!HARMLESS_HEADERS.includes(name)) {
      reply.removeHeader(name);
    }
  }
  // The withheld answer's own might say that it may be cached.
  reply.headers(API_HEADERS);
  reply.header('x-request-id', request.id);
  return prepareProblem(reply, { code, problems: [] });
}

/**
 * True for the answer to a HEAD request once the framework has taken its body away: what the guard said of the
 * body, when it saw it the first time, holds.
 */
function isEmptiedHead({ method }: FastifyRequest, payload: unknown): boolean {
  return method === 'HEAD' && payload === null;
}

/** What was made of answers without a receipt. */
const verdicts = new WeakMap<FastifyRequest, ErrorCode>();

/** Frees what a withheld stream holds. Its errors are nobody's business any more. */
function discard(payload: unknown): void {
  if (typeof payload !== 'object' || payload === null) {
    return;
  }
  if ('destroy' in payload && typeof payload.destroy === 'function') {
    payload.destroy();
  }
  const body = 'body' in payload ? payload.body : payload;
  if (body instanceof ReadableStream && !body.locked) {
    body.cancel().catch(() => undefined);
  }
}

/**
 * Puts a failure on record, unless its operation did, and gives the error to answer with: the failure
 * itself once it is durable, else `audit_unavailable`. Before anyone is known there is nobody to record.
 */
export function makeFailureRecorder(operations: Pick<Operations, 'reject'>) {
  return async (request: FastifyRequest, failure: VaultError): Promise<VaultError> => {
    const { principal } = request;
    if (failure.auditEventId !== undefined) {
      request.auditReceipt = { eventId: failure.auditEventId };
    }
    const isDone = request.auditReceipt !== undefined || failure.code === 'audit_unavailable';
    if (principal === undefined || isDone) {
      return failure;
    }
    const vault = vaultOf(request);
    const call = { principal, source: sourceOf(request), requestId: request.id };
    try {
      request.auditReceipt = await operations.reject(
        vault === undefined ? call : { ...call, vault },
        failure,
      );
      return failure;
    } catch (cause) {
      return new VaultError('audit_unavailable', { cause });
    }
  };
}
