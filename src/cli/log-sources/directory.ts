import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileProblem } from '../../app/start-error.ts';
import { VaultError } from '../../domain/errors.ts';
import type { LogFiles } from '../../verify/file-source.ts';

/** More than the largest entry bundle: 256 entries of 65,535 bytes. */
const MAX_BYTES = 20_000_000;

/** The files of an export in a folder. Methods reject with one line when a file cannot be read. */
export function directoryFiles(dir: string): LogFiles {
  return {
    read: async (path) => {
      try {
        const { size } = await stat(join(dir, path));
        if (size > MAX_BYTES) {
          throw new VaultError('internal', { detail: `${path} is larger than any part of a log.` });
        }
        return await readFile(join(dir, path));
      } catch (error) {
        return absent(path, error);
      }
    },
    async *lines(path) {
      const input = createReadStream(join(dir, path));
      try {
        yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
      } catch (error) {
        throw fileProblem(`Cannot read ${path}`, error);
      } finally {
        input.destroy();
      }
    },
    list: async (path) => {
      try {
        if (!path.endsWith('/')) {
          return (await stat(join(dir, path))).isFile() ? [path] : [];
        }
        const entries = await readdir(join(dir, path), { withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile());
        return files.map(({ name }) => `${path}${name}`).sort();
      } catch (error) {
        return absent(path, error) ?? [];
      }
    },
  };
}

/** A name that does not exist, or leads through something that is no folder, has no file. */
function absent(path: string, error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return undefined;
  }
  throw fileProblem(`Cannot read ${path}`, error);
}
