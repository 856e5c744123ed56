import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { makeLineSplitter } from '../api/http/streams/split-lines.ts';
import { VaultError } from '../domain/errors.ts';
import { fileProblem } from './start-error.ts';

/** Of one row; the largest value, sealed, as hex, has far less. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_IDENTITY_BYTES = 64 * 1024;
const OTHERS = 0o077;

/**
 * The secret keys in a file of `counterfoil export-key new` or `age-keygen`. Rejects with one line unless
 * nobody but its owner can read or write it.
 */
export async function readIdentities(path: string): Promise<string[]> {
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if ((stat.mode & OTHERS) !== 0) {
        throw refuse(`The identity ${path} is open to others than its owner: run chmod 600 on it.`);
      }
      const text = stat.size > MAX_IDENTITY_BYTES ? '' : await file.readFile('utf8');
      const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
      if (lines.length === 0 || !lines.every((line) => /^AGE-SECRET-KEY-[0-9A-Z-]+$/.test(line))) {
        throw refuse(`${path} has no age identity (AGE-SECRET-KEY-…).`);
      }
      return lines;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileProblem(`Cannot read the identity ${path}`, error);
  }
}

/** The lines of an encrypted file, in constant memory. Rejects with one line for the operator. */
export async function* decryptedLines(
  path: string,
  identities: readonly string[],
): AsyncGenerator<Buffer, void, void> {
  const { decryptAge } = await import('../crypto/age.ts');
  const splitter = makeLineSplitter(MAX_LINE_BYTES);
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    for await (const chunk of decryptAge(file, identities)) {
      for (const line of splitter.split(chunk)) {
        if (line === 'too_long') throw refuse('The file has a line that no export has.');
        yield line;
      }
    }
  } catch (error) {
    throw fileProblem(`Cannot read ${path}`, error);
  } finally {
    file.destroy();
  }
  if (splitter.rest().length > 0) throw refuse('The file ends in the middle of a line.');
}

function refuse(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
