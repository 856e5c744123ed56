import { VaultError } from '../domain/errors.ts';
import type { InspectOutput, Operations } from './operation.ts';
import { checkAction, type Session } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import type { Found } from './steps/find-token.ts';
import { findPermitted } from './steps/permitted-token.ts';
import { openMetadata, openVolatile } from './steps/sealing.ts';

/**
 * Tells what is known of a token, its metadata included, but not its value. Of vaultless tokens nothing is
 * known. One of mode `siv` proves itself, so that whoever may inspect its field is told why there is no
 * answer (`value_invalid`, rule `vaultless`); to everybody else it does not exist. One of mode `fpe` cannot
 * be told from any other text and does not exist for anybody.
 */
export function makeInspect(deps: OperationDeps): Operations['inspect'] {
  return (call, { token }) => {
    const subject = { action: 'token.inspect', items: 1, tokens: [token] } as const;
    return audited(deps, call, subject, async (session) => {
      checkAction(session, { action: 'token.inspect', items: 1 });
      const ask = { action: 'token.inspect', token, items: 1 } as const;
      const { found, field } = await findPermitted(deps, session, ask);
      const output = { field: field.name, ...factsOf(session, found) };
      return { output, fates: [{ token, field: field.name }] };
    });
  };
}

function factsOf(session: Session, found: Found): Omit<InspectOutput, 'field'> {
  switch (found.kind) {
    case 'stored': {
      const { createdAt, expiresAt } = found.row;
      return { ...timesOf(createdAt, expiresAt), ...metadataOf(session, found.row) };
    }
    case 'volatile': {
      // Opened only to see that the row is what we put there: its store vouches for nothing.
      openVolatile(session, found.row);
      const { createdAtMs, expiresAtMs } = found.row;
      const times = timesOf(new Date(createdAtMs), new Date(expiresAtMs));
      return { ...times, ...metadataOf(session, found.row) };
    }
    default:
      throw new VaultError('value_invalid', { problems: [{ path: '/token', rule: 'vaultless' }] });
  }
}

function timesOf(createdAt: Date, expiresAt: Date | undefined) {
  return {
    createdAt: createdAt.toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
  };
}

function metadataOf(
  session: Session,
  row: Parameters<typeof openMetadata>[1],
): Pick<InspectOutput, 'metadata'> {
  const metadata = openMetadata(session, row);
  return metadata === undefined ? {} : { metadata };
}
