import { type Soon, whenThere } from '../../domain/soon.ts';
import type { FingerprintKey, StoredToken } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import { type Candidate, checkCandidate, ensureSubject, type IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { storeNew } from './issue-stored.ts';
import { checkKnown, fingerprintKey, linkKnown } from './known-value.ts';
import { orFresh } from './or-fresh.ts';

/** A value that fits its field, and what its token is found by. `subject`: the caller's reference of a person. */
export type Checked = { candidate: Candidate; key: FingerprintKey; subject: string | undefined };

/**
 * Gives a value its token: the same one for equal values of one scope, found by the value's fingerprint.
 * An Idempotency-Key adds nothing here.
 */
export function issueDeterministic(
  deps: OperationDeps,
  session: Session,
  ask: IssueAsk,
): Soon<string> {
  return issue(deps, session, checkDeterministic(deps, session, ask));
}

/** @throws VaultError as `checkCandidate` does */
export function checkDeterministic(
  deps: Pick<OperationDeps, 'clock'>,
  session: Session,
  ask: IssueAsk,
): Checked {
  const candidate = checkCandidate(deps, session, ask);
  return { candidate, key: fingerprintKey(session, candidate), subject: ask.input.subject };
}

/** As `issueDeterministic`, for a value whose row was looked for. */
export function issueChecked(
  deps: OperationDeps,
  session: Session,
  checked: Checked,
  row: StoredToken | undefined,
): Soon<string> {
  if (row === undefined) return storeNew(deps, session, checked);
  try {
    const known = useRow(deps, session, checked, row);
    return whenThere(known, (token) => token ?? storeNew(deps, session, checked));
  } catch {
    // Maybe a cache had what is not ours. Whether it was a cache is found out by looking again.
    return issue(deps, session, checked);
  }
}

function issue(deps: OperationDeps, session: Session, checked: Checked): Soon<string> {
  const known = orFresh(deps, session, ({ notes }) =>
    whenThere(
      deps.reads.findByFingerprint(checked.key, notes),
      (row) => row && useRow(deps, session, checked, row),
    ),
  );
  return whenThere(known, (token) => token ?? storeNew(deps, session, checked));
}

/** The token of a row that was found, as `linkKnown` has it. What does not open is thrown at once. */
function useRow(
  deps: OperationDeps,
  session: Session,
  { candidate, subject: reference }: Checked,
  row: StoredToken,
): Soon<string | undefined> {
  checkKnown(session, row, candidate.value);
  return whenThere(ensureSubject(deps, session, reference), (subject) =>
    linkKnown(deps, session, { row, subject }),
  );
}
