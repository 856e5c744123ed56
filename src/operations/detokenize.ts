import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { reveal } from './steps/reveal.ts';

/** Gives a value back, in the view asked for, to those whom the policy allows. */
export function makeDetokenize(deps: OperationDeps): Operations['detokenize'] {
  return (call, { token, field, ...context }) => {
    const asked = { ...context, view: context.view ?? 'full' };
    const subject = { action: 'detokenize', items: 1, tokens: [token], reveal: asked } as const;
    return audited(deps, call, subject, async (session) => {
      checkAction(session, { ...asked, action: 'detokenize', items: 1 });
      const output = await reveal(deps, session, { token, field, items: 1, reveal: asked });
      return { output, fates: [{ token, field: output.field }] };
    });
  };
}
