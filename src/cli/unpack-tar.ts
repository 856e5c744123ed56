import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { fileProblem } from '../app/start-error.ts';
import { VaultError } from '../domain/errors.ts';
import { printable } from './printable.ts';
import { type Saved, viaDraft } from './save-file.ts';

/** Names that mean the same file on every system, and none outside of the folder. */
const PATH = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;
const MAX_PATH_CHARS = 255;

/** Rejects with one line for the operator unless `dir` is an empty folder, or nothing at all. */
export async function checkUnpackTarget(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw fileProblem(`Cannot write ${dir}`, error);
  });
  if (entries.length > 0) {
    throw new VaultError('internal', { detail: `${dir} is not empty: name a new folder.` });
  }
}

/**
 * Unpacks a tar of plain files into a new folder that only its owner can read: all of them, or none. Whatever
 * else the archive holds (links, absolute paths, `..`, one name twice) is refused, whoever sent it. Rejects
 * with one line for the operator.
 */
export async function unpackTar(archive: Readable, dir: string): Promise<Saved> {
  await checkUnpackTarget(dir);
  return viaDraft(dir, async (draft) => {
    await mkdir(draft, { mode: 0o700 });
    const entries = extract();
    const arriving = pipeline(archive, entries);
    // Its failure also ends the loop, and is told there.
    arriving.catch(() => undefined);
    let [bytes, files] = [0, 0];
    for await (const entry of entries) {
      bytes += await writeEntry(draft, entry.header, Readable.from(entry));
      files += 1;
    }
    await arriving;
    return { bytes, files };
  });
}

async function writeEntry(root: string, header: Header, content: Readable): Promise<number> {
  const { name, type } = header;
  if (type !== 'file' || name.length > MAX_PATH_CHARS || !PATH.test(name)) {
    throw new VaultError('internal', {
      detail: `The archive holds what is no plain file inside of it: ${printable(name.slice(0, MAX_PATH_CHARS))}`,
    });
  }
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Fails when there is such a file already, also where upper and lower case are one.
  const target = createWriteStream('', { fd: await open(path, 'wx', 0o600) });
  await pipeline(content, target);
  return target.bytesWritten;
}
