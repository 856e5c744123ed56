import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VaultError } from '../../domain/errors.ts';
import type { Head, HeadStore } from '../../operations/ports/head-store.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { parseNote } from '../../tlog/note.ts';
import { createFile, isCode } from './create-file.ts';

/** What a folder holds of one origin: the newest generation, and the head in it. */
type Newest = { generation: number; head: Head | undefined };

const NONE: Newest = { generation: 0, head: undefined };

/**
 * Heads as files of a folder, which is made when it is needed: the signed checkpoint itself, readable by
 * its owner only. Each head is a new file `<origin>.<generation>.checkpoint`; the newest counts. Making
 * generation n+1 fails when there is one, which is the comparison, and holds between processes, too.
 */
export function makeFileHeadStore(folder: string): HeadStore {
  return {
    shared: false,
    read: async (origin) => (await readNewest(folder, origin)).head,

    async advance({ origin, head, expectedSize }) {
      const { generation, head: known } = await readNewest(folder, origin);
      const isLarger = known === undefined || known.size < head.size;
      if (known?.size !== expectedSize || !isLarger) {
        return false;
      }
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const next = generation + 1;
      if (!(await createFile(folder, fileOf(origin, next), head.note))) {
        return false;
      }
      // Someone much slower than the rest may have made a generation that was cleared away long ago.
      const generations = await listGenerations(folder, origin);
      if (Math.max(...generations) !== next) {
        return false;
      }
      // One older file stays: a reader may have just found it to be the newest.
      const old = generations.filter((other) => other < generation);
      await Promise.all(
        old.map((other) => rm(join(folder, fileOf(origin, other)), { force: true })),
      );
      return true;
    },

    close: async () => {},
  };
}

const fileOf = (origin: string, generation: number) =>
  `${encodeURIComponent(origin)}.${generation}.checkpoint`;

async function readNewest(folder: string, origin: string): Promise<Newest> {
  const generations = await listGenerations(folder, origin);
  if (generations.length === 0) {
    return NONE;
  }
  const generation = Math.max(...generations);
  const note = await readFile(join(folder, fileOf(origin, generation)), 'utf8');
  return { generation, head: readHead(note, origin) };
}

async function listGenerations(folder: string, origin: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  });
  const prefix = `${encodeURIComponent(origin)}.`;
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => /^([1-9]\d{0,14})\.checkpoint$/.exec(name.slice(prefix.length))?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
}

/** Nothing is signed on the ground of a file that somebody else wrote, or half a disk block of one. */
function readHead(note: string, origin: string): Head {
  const detail = `the remembered head of ${origin} is no checkpoint of it`;
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    checkpoint = parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    throw new VaultError('internal', { detail, cause });
  }
  if (checkpoint.origin !== origin) {
    throw new VaultError('internal', { detail });
  }
  return { size: checkpoint.size, root: checkpoint.root, note };
}
