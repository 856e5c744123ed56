import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VaultError } from '../../domain/errors.ts';
import type { JournalStore } from '../../operations/ports/erasure-journal.ts';
import { createFile, isCode, makeFolder } from './create-file.ts';

const SUFFIX = '.erasure';
/** Files that are open at once. */
const READERS = 16;

/**
 * The entries of a journal as files `<name>.erasure` of a folder, which is made when it is needed; readable by
 * their owner only. Each is there whole or not at all, also after a crash, and may be deleted when no backup is
 * left that is older.
 */
export function makeFileJournalStore(folder: string): JournalStore {
  const pathOf = (name: string) => join(folder, `${name}${SUFFIX}`);
  return {
    add: (name, text) =>
      reaching(async () => {
        await makeFolder(folder);
        // False: there is one of that name, which stays.
        await createFile(folder, `${name}${SUFFIX}`, text);
      }),

    names: () =>
      reaching(async () => {
        const files = (await orAbsent(readdir(folder, { withFileTypes: true }))) ?? [];
        return files
          .filter((file) => file.isFile() && file.name.endsWith(SUFFIX))
          .map(({ name }) => name.slice(0, -SUFFIX.length));
      }),

    read: (names) =>
      reaching(async () => {
        const texts = new Map<string, string>();
        const left = names.values();
        const readAll = async () => {
          for (const name of left) {
            const text = await orAbsent(readFile(pathOf(name), 'utf8'));
            if (text !== undefined) texts.set(name, text);
          }
        };
        await Promise.all(Array.from({ length: READERS }, readAll));
        return texts;
      }),

    close: async () => {},
  };
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const detail = 'the journal of erasures cannot be read or written';
    throw new VaultError('store_unavailable', { detail, cause });
  }
}
