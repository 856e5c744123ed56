import { VaultError } from '../domain/errors.ts';
import { createPrivateFile } from './private-file.ts';
import { fileProblem } from './start-error.ts';

/**
 * Makes a file with a new age identity, mode 0600, and gives back its recipient. It never replaces one: what
 * is encrypted to that could not be opened any more. Rejects with one line.
 */
export async function createExportKey(path: string): Promise<string> {
  const { newAgeIdentity } = await import('../crypto/age.ts');
  const { identity, recipient } = await newAgeIdentity();
  try {
    await createPrivateFile(path, `# public key: ${recipient}\n${identity}\n`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      const detail = `There is a file ${path} already: an identity is never overwritten.`;
      throw new VaultError('internal', { detail, cause: error });
    }
    throw fileProblem(`Cannot write the identity ${path}`, error);
  }
  return recipient;
}
