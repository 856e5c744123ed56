import type { Source } from '../domain/access/principal.ts';
import { makeDetokenize } from './detokenize.ts';
import { makeDetokenizeBatch } from './detokenize-batch.ts';
import { makeInspect } from './inspect.ts';
import { makeLookup } from './lookup.ts';
import type { Operations } from './operation.ts';
import { makeReject } from './reject.ts';
import { makeRevoke } from './revoke.ts';
import type { OperationDeps } from './steps/deps.ts';
import { makeTokenize } from './tokenize.ts';
import { makeTokenizeBatch } from './tokenize-batch.ts';

/** Everything that transports can ask for, built once over the same dependencies. */
export function makeOperations(
  deps: OperationDeps & { authFailed: (source: Source) => void },
): Operations {
  return {
    tokenize: makeTokenize(deps),
    tokenizeBatch: makeTokenizeBatch(deps),
    detokenize: makeDetokenize(deps),
    detokenizeBatch: makeDetokenizeBatch(deps),
    lookup: makeLookup(deps),
    inspect: makeInspect(deps),
    revoke: makeRevoke(deps),
    reject: makeReject(deps),
    authFailed: deps.authFailed,
  };
}
