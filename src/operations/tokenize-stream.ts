import { whenThere } from '../domain/soon.ts';
import type { Operations } from './operation.ts';
import type { OperationDeps } from './steps/deps.ts';
import { issue } from './steps/issue.ts';
import { makeStream } from './streams/stream.ts';
import { UNBOUNDED } from './streams/windows.ts';

/** Swaps values for their tokens, as many as come, each with a fate of its own, in order. */
export function makeTokenizeStream(deps: OperationDeps): Operations['tokenizeStream'] {
  return makeStream(deps, {
    action: 'tokenize',
    fateOf: ({ field }) => ({ field }),
    run: (session, input) =>
      whenThere(issue(deps, session, { input, items: UNBOUNDED }), (token) => ({
        output: { token },
        fate: { token, field: input.field },
      })),
  });
}
