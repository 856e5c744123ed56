import { codeOf, reasonOf } from '../adapters/embedded/start-failure.ts';
import { VaultError } from '../domain/errors.ts';

/**
 * The line for the operator about a file or folder that cannot be used. A `VaultError` has its own
 * line already, and anything without a system code is no such failure: both come back as they are.
 */
export function fileProblem(what: string, error: unknown): unknown {
  if (error instanceof VaultError || codeOf(error) === undefined) {
    return error;
  }
  return new VaultError('internal', { detail: `${what}: ${reasonOf(error)}.`, cause: error });
}
