import type { Operations } from './operation.ts';
import { checkAction } from './steps/access.ts';
import { audited } from './steps/audited.ts';
import { eachItem } from './steps/batch.ts';
import type { OperationDeps } from './steps/deps.ts';
import { importOne } from './steps/import-one.ts';

/** Takes over values with the tokens that they have already, each with a fate of its own, in order. */
export function makeImportTokens(deps: OperationDeps): Operations['importTokens'] {
  return (call, { items: inputs }) => {
    const items = inputs.length;
    return audited(deps, call, { action: 'token.import', items }, (session) => {
      checkAction(session, { action: 'token.import', items });
      return eachItem(deps.clock, inputs, {
        run: async (input) => {
          await importOne(deps, session, { input, items });
          const { token, field } = input;
          return { output: { token }, fate: { token, field } };
        },
        fateOf: ({ token, field }) => ({ token, field }),
      });
    });
  };
}
