import { ERRORS } from '../domain/errors.ts';
import type { Operations } from './operation.ts';
import type { TokenKey } from './ports/token-store.ts';
import { checkAction, type Session } from './steps/access.ts';
import { asVaultError, audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import type { Fate } from './steps/events.ts';
import { findPermitted } from './steps/reveal.ts';

/**
 * Ends tokens for good. The answer counts those that this call ended; unknown, ended and refused ones
 * are alike not counted. What it takes away cannot be given back, so the event comes first: a crash
 * after it leaves an event about tokens that are still there, and asking again is safe.
 */
export function makeRevoke(deps: OperationDeps): Operations['revoke'] {
  return (call, { tokens }) => {
    const items = tokens.length;
    return audited(deps, call, { action: 'token.revoke', items, tokens }, async (session) => {
      checkAction(session, { action: 'token.revoke', items, atMs: deps.clock.now() });
      const found = await Promise.all(tokens.map((token) => findOne(deps, session, token, items)));
      const keys = found.flatMap(({ key }) => key ?? []);
      const effect = async () => {
        const ended = await Promise.all(keys.map((key) => deps.tokens.revoke(key)));
        return { revoked: ended.filter(Boolean).length };
      };
      return { fates: found.map(({ fate }) => fate), effect };
    });
  };
}

/** @throws VaultError only for what is the service's fault: then the call as a whole has failed */
async function findOne(
  deps: OperationDeps,
  session: Session,
  token: string,
  items: number,
): Promise<{ key?: TokenKey; fate: Fate }> {
  try {
    const ask = { action: 'token.revoke', token, items } as const;
    const { key, field } = await findPermitted(deps, session, ask);
    return { key, fate: { token, field: field.name } };
  } catch (error) {
    const failure = asVaultError(error);
    if (ERRORS[failure.code].status >= 500) throw failure;
    return { fate: { token, failure } };
  }
}
