import type { FastifyRequest } from 'fastify';
import type { Principal, Source } from '../../domain/access/principal.ts';
import type { AuditReceipt } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Call, Caller } from '../../operations/call.ts';
import { idempotencyOf } from './idempotency-key.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * `routeOptions`, read once: the framework makes a new object of twelve members at every look. Before any
     * hook has run it is absent, and who asks must then assume the strictest route.
     */
    routed: FastifyRequest['routeOptions'] | undefined;
    /** Set by authentication; never from the body or the path. */
    principal: Principal | undefined;
    /** Proof that the event about this request is durable: without it no data leaves. */
    auditReceipt: AuditReceipt | undefined;
    /** Set when the request failed: the one body that may then leave. */
    failureBody: string | undefined;
    /** The body as it came; only of a call with an Idempotency-Key. */
    bodyText: string | undefined;
    startedMs: number;
  }
  interface FastifyContextConfig {
    /** Who may call. Every route must say. */
    auth?: 'bearer' | 'public';
    /** Whether answers need a receipt. Every route must say. */
    audit?: 'required' | 'none';
    /** A page for people: its headers are helmet's, not those of the API. */
    isPage?: true;
  }
}

const MAX_USER_AGENT_CHARS = 256;
const MAX_VAULT_CHARS = 128;

/** Where the request came from. `ip` is the peer, or what a trusted proxy says. */
export function sourceOf(request: FastifyRequest): Source {
  const userAgent = request.headers['user-agent'];
  return userAgent === undefined
    ? { ip: request.ip }
    : { ip: request.ip, userAgent: userAgent.slice(0, MAX_USER_AGENT_CHARS) };
}

/**
 * Who asks, for an operation on the vault that the path names. The name is untrusted text; one that is
 * empty or absurdly long is no vault's, and need not travel any further.
 */
export function callOf(request: FastifyRequest): Call {
  const { principal, source, requestId } = callerOf(request);
  const vault = vaultOf(request);
  if (vault === undefined) {
    throw new VaultError('vault_not_found');
  }
  const idempotency = idempotencyOf(request);
  const call = { principal, source, requestId, vault };
  return idempotency === undefined ? call : { ...call, idempotency };
}

/** Who asks, where the path names no vault. */
export function callerOf(request: FastifyRequest): Caller {
  const { principal } = request;
  if (principal === undefined) {
    throw new VaultError('unauthenticated', { detail: 'a route ran without a principal' });
  }
  return { principal, source: sourceOf(request), requestId: request.id };
}

/** A part of the path, decoded; untrusted text. `*` is what follows the pattern. */
export function parameterOf({ params }: FastifyRequest, name: string): string {
  const value: unknown =
    typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}

/** The vault named by the path, when there is one that could exist. */
export function vaultOf(request: FastifyRequest): string | undefined {
  const vault = parameterOf(request, 'vault');
  return vault !== '' && vault.length <= MAX_VAULT_CHARS ? vault : undefined;
}
