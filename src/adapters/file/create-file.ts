import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from '../../crypto/random.ts';

/** Makes a whole file, durably, or none. False when there is one of that name. */
export async function createFile(folder: string, name: string, content: string): Promise<boolean> {
  const draft = join(folder, `draft.${randomBytes(8).toString('hex')}`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  let isNew = true;
  try {
    await link(draft, join(folder, name));
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    isNew = false;
  } finally {
    await rm(draft);
  }
  // The name itself is durable with the folder only, whoever has just made it.
  await syncFolder(folder);
  return isNew;
}

/** Makes a folder, its owner's only, and those above it, durably. */
export async function makeFolder(folder: string): Promise<void> {
  const highest = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (highest === undefined) return;
  for (let made = folder; made.length >= highest.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** True for an error of the file system with this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
