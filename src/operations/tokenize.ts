import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { repeatsOf } from './steps/idempotency.ts';
import { issue } from './steps/issue.ts';

/** Swaps a value for its token. */
export function makeTokenize(deps: OperationDeps): Operations['tokenize'] {
  return (call, input) => {
    const { field } = input;
    const about = { action: 'tokenize', items: 1, fields: [field] } as const;
    return audited(deps, call, about, async (session) => {
      checkAction(session, { action: 'tokenize', items: 1 });
      const repeat = repeatsOf(deps, session)(0);
      const token = await issue(deps, session, { input, items: 1, repeat });
      return { output: { token }, fates: [{ token, field }] };
    });
  };
}
