import { VaultError } from '../../domain/errors.ts';

/**
 * The one answer to every credential that is not good. Why is for the log alone: `why` is a constant
 * text, and `cause` never reaches the client.
 */
export function refuse(why: string, cause?: unknown): VaultError {
  return new VaultError('unauthenticated', { detail: why, cause });
}
