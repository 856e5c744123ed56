import { open } from 'node:fs/promises';
import { VaultError } from '../../domain/errors.ts';
import {
  generateSigningKey,
  makeNoteSigner,
  parseSigningKey,
  type SigningKey,
} from '../../tlog/signing-key.ts';
import { TlogError } from '../../tlog/tlog-error.ts';
import { createPrivateFile } from '../private-file.ts';
import { fileProblem } from '../start-error.ts';

const MAX_BYTES = 1_024;
const OTHERS = 0o077;

/**
 * Makes a key file for the audit log: one line in the format of Go's note package, mode 0600. It never
 * replaces one. Gives the public key under this name. Rejects with one line.
 */
export async function createLogKey(path: string, name: string): Promise<string> {
  try {
    const text = generateSigningKey(name);
    const { verifierKey } = makeNoteSigner(parseSigningKey(text));
    await createPrivateFile(path, `${text}\n`);
    return verifierKey;
  } catch (error) {
    if (error instanceof TlogError) {
      throw refuse(
        `${JSON.stringify(name)} cannot name a key: it must not be empty, nor have spaces or a plus`,
        error,
      );
    }
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw refuse(`There is a file ${path} already: a key is never overwritten`, error);
    }
    throw fileProblem(`Cannot write the key ${path}`, error);
  }
}

/**
 * Reads such a file. Rejects with one line unless it is a regular file that nobody but its owner can read
 * or write, with one Ed25519 key in it.
 */
export async function readLogKey(path: string): Promise<SigningKey> {
  try {
    const file = await open(path, 'r');
    try {
      // Of the open file, not of the path: it cannot be exchanged between the look and the read.
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > MAX_BYTES) {
        throw refuse(`${path} is not a key of \`counterfoil audit key\``);
      }
      if ((stat.mode & OTHERS) !== 0) {
        throw refuse(`The key ${path} is open to others than its owner: run chmod 600 on it`);
      }
      return parseSigningKey((await file.readFile('utf8')).replace(/\n$/, ''));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof TlogError) {
      throw refuse(`${path} is not a key of \`counterfoil audit key\``, error);
    }
    throw fileProblem(`Cannot read the key ${path}`, error);
  }
}

function refuse(line: string, cause?: unknown): VaultError {
  return new VaultError('key_unavailable', { detail: `${line}.`, cause });
}
