import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileProblem } from '../app/start-error.ts';
import { randomBytes } from '../crypto/random.ts';
import { VaultError } from '../domain/errors.ts';

/** What was written. */
export type Saved = { bytes: number; files?: number };

/**
 * Writes a stream to a file that only its owner can read, in place of any that is there: whole, or not at all.
 * Rejects with one line for the operator.
 */
export async function saveFile(content: Readable, path: string): Promise<Saved> {
  return viaDraft(path, async (draft) => {
    const file = await open(draft, 'wx', 0o600);
    const target = createWriteStream('', { fd: file, flush: true });
    await pipeline(content, target);
    return { bytes: target.bytesWritten };
  });
}

/**
 * Makes a file or folder under another name beside `path`, and gives it its name when it is complete: what
 * breaks off in the middle leaves nothing that looks whole. Rejects with one line for the operator.
 */
export async function viaDraft<Made>(
  path: string,
  make: (draft: string) => Promise<Made>,
): Promise<Made> {
  const draft = `${path}.${randomBytes(8).toString('hex')}.part`;
  try {
    const made = await make(draft);
    await rename(draft, path);
    return made;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw brokenOff(error) ?? fileProblem(`Cannot write ${path}`, error);
  }
}

/** What is no failure of the file system came with the bytes: the connection, or the service's own failure. */
function brokenOff(cause: unknown): VaultError | undefined {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'ERR_';
  return cause instanceof VaultError || !code.startsWith('ERR_')
    ? undefined
    : new VaultError('internal', {
        detail: 'The service broke off, or sent no such export: nothing was written.',
        cause,
      });
}
