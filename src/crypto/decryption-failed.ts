import { VaultError } from '../domain/errors.ts';

/**
 * The one error for every cause of a failed decryption (short, relabelled, unknown key version, wrong
 * tag, wrong padding). It carries no cause: which check failed is an oracle.
 */
export function decryptionFailed(): VaultError {
  return new VaultError('internal', { detail: 'decryption failed' });
}
