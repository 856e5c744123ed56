import type { FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import type { Principal } from '../../domain/access/principal.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import { sourceOf } from './context.ts';

/** Establishes who sent the `Authorization` header; rejects with `unauthenticated`. */
export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

/** As `Authenticate`, at once, for what can be told at once. `undefined` says nothing: ask `Authenticate`. */
export type Recall = (authorization: string | undefined) => Principal | undefined;

/**
 * The hook that knows the caller before anything of the request is believed. A route that does not say
 * `public` needs a credential; whatever the verifier throws, the client sees one and the same refusal.
 */
export function makeAuthenticationHook(deps: {
  authenticate: Authenticate;
  recall?: Recall | undefined;
  operations: Pick<Operations, 'authFailed'>;
}) {
  const { authenticate, recall } = deps;
  return (request: FastifyRequest, _reply: unknown, done: HookHandlerDoneFunction): void => {
    if (request.routed?.config.auth === 'public') {
      done();
      return;
    }
    const { authorization } = request.headers;
    request.principal = recall?.(authorization);
    if (request.principal !== undefined) {
      done();
      return;
    }
    authenticate(authorization).then(
      (principal) => {
        request.principal = principal;
        done();
      },
      (cause: unknown) => {
        deps.operations.authFailed(sourceOf(request));
        done(new VaultError('unauthenticated', { cause }));
      },
    );
  };
}
