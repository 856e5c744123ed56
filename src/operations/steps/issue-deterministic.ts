import type { Session } from './access.ts';
import { checkCandidate, ensureSubject, type IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { storeNew } from './issue-stored.ts';
import { fingerprintKey, useKnown } from './known-value.ts';
import { orFresh } from './or-fresh.ts';

/**
 * Gives a value its token: the same one for equal values of one scope, found by the value's fingerprint.
 * An Idempotency-Key adds nothing here.
 */
export async function issueDeterministic(
  deps: OperationDeps,
  session: Session,
  ask: IssueAsk,
): Promise<string> {
  const candidate = checkCandidate(deps, session, ask);
  const { subject } = ask.input;
  const key = fingerprintKey(session, candidate);
  const known = await orFresh(deps, session, async ({ notes }) => {
    const row = await deps.reads.findByFingerprint(key, notes);
    if (row === undefined) return undefined;
    const person = await ensureSubject(deps, session, subject);
    return useKnown(deps, session, { row, value: candidate.value, subject: person });
  });
  return known ?? storeNew(deps, session, { candidate, subject, key });
}
