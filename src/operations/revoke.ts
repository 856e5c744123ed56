import { ERRORS, VaultError } from '../domain/errors.ts';
import type { Operations } from './operation.ts';
import { checkAction, type Session } from './steps/access.ts';
import { asVaultError, audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import type { Fate } from './steps/events.ts';
import { findPermitted } from './steps/reveal.ts';

/**
 * Ends tokens for good. The answer counts those that this call ended; unknown, ended and refused ones
 * are alike not counted. A crash after some of them leaves those revoked: asking again is safe.
 */
export function makeRevoke(deps: OperationDeps): Operations['revoke'] {
  return (call, { tokens }) => {
    const items = tokens.length;
    return audited(deps, call, { action: 'token.revoke', items, tokens }, async (session) => {
      checkAction(session, { action: 'token.revoke', items, atMs: deps.clock.now() });
      const fates = await Promise.all(
        tokens.map((token) => revokeOne(deps, session, token, items)),
      );
      return {
        output: { revoked: fates.filter(({ failure }) => failure === undefined).length },
        fates,
      };
    });
  };
}

/** @throws VaultError only for what is the service's fault: then the call as a whole has failed */
async function revokeOne(
  deps: OperationDeps,
  session: Session,
  token: string,
  items: number,
): Promise<Fate> {
  try {
    const { key, field } = await findPermitted(deps, session, {
      action: 'token.revoke',
      token,
      items,
    });
    if (!(await deps.tokens.revoke(key))) throw new VaultError('token_not_found');
    return { token, field: field.name };
  } catch (error) {
    const failure = asVaultError(error);
    if (ERRORS[failure.code].status >= 500) throw failure;
    return { token, failure };
  }
}
