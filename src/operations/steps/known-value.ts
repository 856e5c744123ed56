import { VaultError } from '../../domain/errors.ts';
import type { Soon } from '../../domain/soon.ts';
import type { FingerprintKey, StoredToken, SubjectRow, TokenKey } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { openValue } from './sealing.ts';

/** Where the token of a known value lies: its fingerprint, and the shard that placement gives. */
export function fingerprintKey(
  { vault, cipher }: Session,
  known: { fieldId: number; scope: string; value: string },
): FingerprintKey {
  return {
    vaultId: vault.id,
    fieldId: known.fieldId,
    shard: cipher.placement(known),
    fingerprint: cipher.fingerprint(known),
  };
}

/**
 * Opens the row behind a fingerprint and compares before it is trusted: neither a collision nor a
 * fingerprint edited in the database may hand out another value's token.
 */
export function checkKnown(session: Session, row: StoredToken, value: string): void {
  if (openValue(session, row) !== value) {
    throw new VaultError('internal', { detail: 'a fingerprint names the row of another value' });
  }
}

/** The token of a known value, as `linkKnown` has it, from a row that is not checked yet. */
export function useKnown(
  deps: Pick<OperationDeps, 'tokens'>,
  session: Session,
  { row, value, subject }: { row: StoredToken; value: string; subject: SubjectRow | undefined },
): Soon<string | undefined> {
  checkKnown(session, row, value);
  return linkKnown(deps, session, { row, subject });
}

/**
 * The token of a known value, which keeps its expiry and metadata; another subject adds a link. `undefined`
 * when the row ended before the link was there: the erasure of the only other person took it along, and a
 * token that is answered must not be dead for this one.
 */
export function linkKnown(
  deps: Pick<OperationDeps, 'tokens'>,
  session: Session,
  { row, subject }: { row: StoredToken; subject: SubjectRow | undefined },
): Soon<string | undefined> {
  const { token, shard } = row;
  if (subject === undefined) return token;
  return link(deps, { vaultId: session.vault.id, shard, token }, subject);
}

async function link(
  { tokens }: Pick<OperationDeps, 'tokens'>,
  key: TokenKey,
  subject: SubjectRow,
): Promise<string | undefined> {
  await tokens.link({ ...key, subjectId: subject.id });
  return (await tokens.find(key))?.token;
}
