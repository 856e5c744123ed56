import { link, open, rename, rm } from 'node:fs/promises';
import { randomBytes } from '../crypto/random.ts';

/**
 * Writes a file that only its owner can read, whole or not at all: a crash leaves the old one, and
 * perhaps a file with another name beside it.
 */
export async function replacePrivateFile(path: string, content: string | Buffer): Promise<void> {
  const draft = await writeDraft(path, content);
  await rename(draft, path);
}

/** The same, but rejects with `EEXIST` when there is such a file already, also in a race. */
export async function createPrivateFile(path: string, content: string | Buffer): Promise<void> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path);
  } finally {
    await rm(draft);
  }
}

async function writeDraft(path: string, content: string | Buffer): Promise<string> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}
