import { ERRORS, VaultError } from '../domain/errors.ts';
import type { Operations } from './operation.ts';
import { checkAction, type Session } from './steps/access.ts';
import { asVaultError, audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import type { Fate } from './steps/events.ts';
import { findPermitted, type Permitted } from './steps/permitted-token.ts';

/**
 * Ends tokens for good. The answer counts those that this call ended; unknown, ended and refused ones
 * are alike not counted, and so are vaultless ones, of which there is nothing to end. What it takes away
 * cannot be given back, so the event comes first: a crash after it leaves an event about tokens that are
 * still there, and asking again is safe.
 */
export function makeRevoke(deps: OperationDeps): Operations['revoke'] {
  return (call, { tokens }) => {
    const items = tokens.length;
    return audited(deps, call, { action: 'token.revoke', items, tokens }, async (session) => {
      checkAction(session, { action: 'token.revoke', items });
      const found = await Promise.all(tokens.map((token) => findOne(deps, session, token, items)));
      const ends = found.flatMap(({ end }) => end ?? []);
      const effect = async () => {
        const ended = await Promise.all(ends.map((end) => end()));
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
): Promise<{ end?: () => Promise<boolean>; fate: Fate }> {
  try {
    const ask = { action: 'token.revoke', token, items } as const;
    const permitted = await findPermitted(deps, session, ask);
    return { end: endOf(deps, session, permitted), fate: { token, field: permitted.field.name } };
  } catch (error) {
    const failure = asVaultError(error);
    if (ERRORS[failure.code].status >= 500) throw failure;
    return { fate: { token, failure } };
  }
}

/**
 * What ends a token; true when it did.
 * @throws VaultError `token_not_found` for vaultless tokens: in nothing else than missing ones do they end
 */
function endOf(
  { tokens, reads, volatile }: Pick<OperationDeps, 'tokens' | 'reads' | 'volatile'>,
  { cipher }: Session,
  { found, field }: Permitted,
): () => Promise<boolean> {
  switch (found.kind) {
    case 'stored': {
      const { key } = found;
      const isSmall = field.token.format.isSmall;
      const tombstone = isSmall ? { tombstone: cipher.digests.tombstone(key.token) } : {};
      return async () => {
        const isEnded = await tokens.revoke({ ...key, ...tombstone });
        reads.forget([key]);
        return isEnded;
      };
    }
    case 'volatile':
      return () => volatile.end(found.key);
    default:
      throw new VaultError('token_not_found');
  }
}
