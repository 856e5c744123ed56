import { whenThere } from '../domain/soon.ts';
import type { DetokenizeInput, Operations } from './operation.ts';
import type { OperationDeps } from './steps/deps.ts';
import { reveal } from './steps/reveal.ts';
import { makeStream } from './streams/stream.ts';
import { UNBOUNDED } from './streams/windows.ts';

/** Gives values back, as many as are asked for, each in its view and for its reason, in order. */
export function makeDetokenizeStream(deps: OperationDeps): Operations['detokenizeStream'] {
  return makeStream(deps, {
    action: 'detokenize',
    revealOf,
    fateOf: ({ token }) => ({ token }),
    run: (session, input) => {
      const { token, field } = input;
      const ask = { token, field, items: UNBOUNDED, reveal: revealOf(input) };
      return whenThere(reveal(deps, session, ask), (output) => ({
        output,
        fate: { token, field: output.field },
      }));
    },
  });
}

function revealOf({ view = 'full', purpose, reference, approval }: DetokenizeInput) {
  return { view, purpose, reference, approval };
}
