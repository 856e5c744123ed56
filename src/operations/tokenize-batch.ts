import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { checkSameBatch, repeatsOf } from './steps/idempotency.ts';
import { issueAll } from './steps/issue-all.ts';

/** Swaps up to 1,000 values for their tokens, each with a fate of its own, in order. */
export function makeTokenizeBatch(deps: OperationDeps): Operations['tokenizeBatch'] {
  return (call, { items: inputs }) => {
    const items = inputs.length;
    return audited(deps, call, { action: 'tokenize', items }, async (session) => {
      checkAction(session, { action: 'tokenize', items });
      const repeatOf = repeatsOf(deps, session);
      const repeats = inputs.map((_, index) => repeatOf(index));
      await checkSameBatch(repeats);
      return issueAll(deps, session, { inputs, repeats });
    });
  };
}
