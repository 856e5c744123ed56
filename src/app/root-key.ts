import { open } from 'node:fs/promises';
import { randomBytes } from '../crypto/random.ts';
import { SecretBytes } from '../crypto/secret.ts';
import { VaultError } from '../domain/errors.ts';
import { createPrivateFile } from './private-file.ts';
import { fileProblem } from './start-error.ts';

const BYTES = 32;
const OTHERS = 0o077;

/**
 * Makes a root key file: 32 random bytes, mode 0600. It never replaces one: whatever that key wraps
 * would be lost. Rejects with one line.
 */
export async function createRootKey(path: string): Promise<void> {
  const key = randomBytes(BYTES);
  try {
    await createPrivateFile(path, key);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw refuse(`There is a file ${path} already: a root key is never overwritten`, error);
    }
    throw fileProblem(`Cannot write the root key ${path}`, error);
  } finally {
    key.fill(0);
  }
}

/**
 * Reads a root key file. Rejects with one line unless it is a regular file of exactly 32 bytes that
 * nobody but its owner can read or write.
 */
export async function readRootKey(path: string): Promise<SecretBytes> {
  try {
    const file = await open(path, 'r');
    try {
      // Of the open file, not of the path: it cannot be exchanged between the look and the read.
      const stat = await file.stat();
      if (!stat.isFile() || stat.size !== BYTES) {
        throw refuse(`${path} is not a root key: it must be a file of exactly ${BYTES} bytes`);
      }
      if ((stat.mode & OTHERS) !== 0) {
        throw refuse(`The root key ${path} is open to others than its owner: run chmod 600 on it`);
      }
      const key = Buffer.allocUnsafeSlow(BYTES);
      const { bytesRead } = await file.read(key, 0, BYTES, 0);
      if (bytesRead !== BYTES) {
        throw refuse(`The root key ${path} changed while it was read`);
      }
      return new SecretBytes(key);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileProblem(`Cannot read the root key ${path}`, error);
  }
}

function refuse(line: string, cause?: unknown): VaultError {
  return new VaultError('key_unavailable', { detail: `${line}.`, cause });
}
