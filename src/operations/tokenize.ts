import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { issue } from './steps/issue.ts';

/** Swaps a value for its token. */
export function makeTokenize(deps: OperationDeps): Operations['tokenize'] {
  return (call, input) =>
    audited(
      deps,
      call,
      { action: 'tokenize', items: 1, fields: [input.field] },
      async (session) => {
        checkAction(session, { action: 'tokenize', items: 1, atMs: deps.clock.now() });
        const token = await issue(deps, session, { input, items: 1 });
        return { output: { token }, fates: [{ token, field: input.field }] };
      },
    );
}
