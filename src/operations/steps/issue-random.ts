import type { Session } from './access.ts';
import { checkCandidate, type IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { replay } from './idempotency.ts';
import { storeNew } from './issue-stored.ts';

/**
 * Gives a value a token that says nothing of it, another one each time; with an Idempotency-Key the same
 * one for 24 h. The first call's answer is looked for before the request is checked: what was right then
 * may be late by now, and its token is there.
 */
export async function issueRandom(
  deps: OperationDeps,
  session: Session,
  ask: IssueAsk,
): Promise<string> {
  const { input, repeat } = ask;
  const first = await repeat?.first();
  if (repeat !== undefined && first !== undefined) return replay(session, repeat, first);
  const candidate = checkCandidate(deps, session, ask);
  return storeNew(deps, session, { candidate, subject: input.subject, repeat });
}
