import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../domain/access/principal.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import { sourceOf } from './context.ts';

/** Establishes who sent the `Authorization` header; rejects with `unauthenticated`. */
export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

/**
 * The hook that knows the caller before anything of the request is believed. A route that does not say
 * `public` needs a credential; whatever the verifier throws, the client sees one and the same refusal.
 */
export function makeAuthenticationHook(deps: {
  authenticate: Authenticate;
  operations: Pick<Operations, 'authFailed'>;
}) {
  return async (request: FastifyRequest): Promise<void> => {
    if (request.routeOptions.config.auth === 'public') {
      return;
    }
    try {
      request.principal = await deps.authenticate(request.headers.authorization);
    } catch (cause) {
      deps.operations.authFailed(sourceOf(request));
      throw new VaultError('unauthenticated', { cause });
    }
  };
}
