import type { Decision } from '../domain/policy/decide.ts';
import type { Field } from '../domain/policy/policy.ts';
import { whenThere } from '../domain/soon.ts';
import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import { eachItem } from './steps/batch.ts';
import type { OperationDeps } from './steps/deps.ts';
import { reveal } from './steps/reveal.ts';

/** Gives up to 1,000 values back in one view and for one reason, each with a fate of its own, in order. */
export function makeDetokenizeBatch(deps: OperationDeps): Operations['detokenizeBatch'] {
  return (call, { tokens, ...context }) => {
    const asked = { ...context, view: context.view ?? 'full' };
    const asks = tokens.map((item) => (typeof item === 'string' ? { token: item } : item));
    const items = asks.length;
    const subject = {
      action: 'detokenize',
      items,
      tokens: asks.map(({ token }) => token),
      reveal: asked,
    } as const;
    return audited(deps, call, subject, (session) => {
      checkAction(session, { ...asked, action: 'detokenize', items });
      const decided = new Map<Field, Decision>();
      return eachItem(deps.clock, asks, {
        run: ({ token, field }) =>
          whenThere(
            reveal(deps, session, { token, field, items, reveal: asked, decided }),
            (output) => ({ output, fate: { token, field: output.field } }),
          ),
        fateOf: ({ token }) => ({ token }),
      });
    });
  };
}
