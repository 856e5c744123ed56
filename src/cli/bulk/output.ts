import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replacePrivateFile } from '../../app/private-file.ts';
import { fileProblem } from '../../app/start-error.ts';
import { VaultError } from '../../domain/errors.ts';

/** How far a run has come: all that a later one needs to go on. Nothing in it is a value or a token. */
export type Progress = {
  /** What the run was asked to do; another command line must not go on with it. */
  job: string;
  /** Names the run in the Idempotency-Keys of its requests. */
  run: string;
  /** Requests whose answers are written. */
  chunk: number;
  /** Read so far, in bytes and records. */
  offset: number;
  number: number;
  /** What the input begins with (the header of a table). */
  head: string;
  /** Records that failed so far. */
  failedRecords: number;
  /** Written so far, in bytes: what lies beyond them in the files is half done. */
  written: number;
  failed: number;
};

/**
 * Where a run writes. `append` takes what belongs together; `keep` makes everything before it last, after
 * which a run that is killed goes on from there; `finish` gives the file its name.
 */
export type Output = {
  append: (text: string, failures: string) => Promise<void>;
  keep: (progress: Omit<Progress, 'written' | 'failed'>) => Promise<void>;
  finish: () => Promise<void>;
  close: () => Promise<void>;
  /** Leaves nothing behind. */
  discard: () => Promise<void>;
};

/** Names of the files beside the output while it is not complete. */
const draftOf = (path: string): string => `${path}.part`;
const progressOf = (path: string): string => `${path}.progress`;

/**
 * The progress of an earlier run to the same file, if there was one. Rejects when that one had another job,
 * or when the file is complete already.
 */
export async function findProgress(path: string, job: string): Promise<Progress | undefined> {
  if (existsSync(path)) {
    throw refuse(`${path} is there already: name another file, or remove it`);
  }
  const text = await readFile(progressOf(path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw fileProblem(`Cannot read ${progressOf(path)}`, error);
  });
  if (text === undefined) return undefined;
  const progress = parseProgress(text);
  if (progress === undefined) {
    throw refuse(`${progressOf(path)} is not what this command writes: remove it to begin anew`);
  }
  if (progress.job !== job) {
    throw refuse(
      `${progressOf(path)} belongs to a run with other options or another input: repeat that one, or remove it and ${draftOf(path)} to begin anew`,
    );
  }
  return progress;
}

function parseProgress(text: string): Progress | undefined {
  try {
    const { job, run, chunk, offset, number, head, failedRecords, written, failed } =
      JSON.parse(text);
    const isWhole =
      [job, run, head].every((member) => typeof member === 'string') &&
      [chunk, offset, number, failedRecords, written, failed].every(Number.isSafeInteger);
    return isWhole
      ? { job, run, chunk, offset, number, head, failedRecords, written, failed }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Opens the output beside its final name, cut back to what `progress` says. The failures go to a file of
 * their own, if one is named.
 */
export async function openOutput({
  path,
  failuresPath,
  progress,
}: {
  path: string;
  failuresPath: string | undefined;
  progress: Progress | undefined;
}): Promise<Output> {
  if (failuresPath === path) throw refuse('--failures and --out name the same file');
  if (failuresPath !== undefined && existsSync(failuresPath)) {
    throw refuse(`${failuresPath} is there already: name another file, or remove it`);
  }
  if (failuresPath === undefined && (progress?.failed ?? 0) > 0) {
    throw refuse('the run before this one named a file with --failures: name it again');
  }
  const main = await openDraft(path, progress?.written ?? 0);
  const failures =
    failuresPath === undefined ? undefined : await openDraft(failuresPath, progress?.failed ?? 0);
  const files = failures === undefined ? [main] : [main, failures];
  return {
    append: async (text, failed) => {
      await main.append(text);
      if (failures !== undefined) await failures.append(failed);
    },
    keep: async (step) => {
      for (const file of files) await file.sync();
      const state: Progress = { ...step, written: main.size(), failed: failures?.size() ?? 0 };
      await replacePrivateFile(progressOf(path), `${JSON.stringify(state)}\n`);
    },
    finish: async () => {
      for (const file of files) await file.finish();
      await rm(progressOf(path), { force: true });
    },
    close: async () => {
      for (const file of files) await file.close();
    },
    discard: async () => {
      for (const file of files) await file.discard();
      await rm(progressOf(path), { force: true });
    },
  };
}

async function openDraft(path: string, size: number) {
  const draft = draftOf(path);
  try {
    const file = await open(draft, size === 0 ? 'w' : 'r+', 0o600);
    if ((await file.stat()).size < size) {
      await file.close();
      throw refuse(`${draft} is shorter than its progress says: remove both to begin anew`);
    }
    await file.truncate(size);
    return draftFile({ file, draft, path, from: size });
  } catch (error) {
    throw error instanceof VaultError ? error : fileProblem(`Cannot write ${draft}`, error);
  }
}

function draftFile(input: { file: FileHandle; draft: string; path: string; from: number }) {
  const { file, draft, path, from } = input;
  let size = from;
  return {
    size: () => size,
    append: async (text: string) => {
      const bytes = Buffer.from(text);
      let done = 0;
      while (done < bytes.length) {
        done += (await file.write(bytes, done, bytes.length - done, size + done)).bytesWritten;
      }
      size += bytes.length;
    },
    sync: () => file.datasync(),
    finish: async () => {
      await file.sync();
      await file.close();
      await rename(draft, path);
      await syncFolder(dirname(path));
    },
    close: () => file.close(),
    discard: async () => {
      await file.close();
      await rm(draft, { force: true });
    },
  };
}

/** So that the new name lasts as well as the content. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Size of a file in bytes; `undefined` for what has none (a pipe). */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw refuse(`Cannot read ${path}: it is a folder`);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    throw error instanceof VaultError ? error : fileProblem(`Cannot read ${path}`, error);
  }
}

function refuse(detail: string): VaultError {
  return new VaultError('invalid_request', { detail: `${detail}.` });
}
