import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from '../../crypto/random.ts';
import { VaultError } from '../../domain/errors.ts';
import { startOf } from './process-table.ts';
import { codeOf, reasonOf, startFailure } from './start-failure.ts';

/** Holds a data directory for this process until released. */
export type ServiceLock = { release(): Promise<void> };

type Holder = { pid: number; started: string };

/**
 * Takes the data directory for this process, so that no two services work on one database. A lock
 * whose holder has ended (`SIGKILL`, power cut) is taken over. Rejects with one line that names the
 * holder when it lives.
 *
 * The file appears by `link`, which fails when there is one already: it is never seen half written,
 * and one of two racing processes loses. A stale one is replaced only under a second lock, so that
 * nobody can remove the fresh lock of somebody who was faster.
 */
export async function acquireLock(dataDir: string): Promise<ServiceLock> {
  const path = join(dataDir, 'lock');
  const mine = await writeHolder(`${path}.${randomBytes(8).toString('hex')}`);
  try {
    if (!(await tryLink(mine, path))) {
      await replaceStale(mine, path);
    }
  } catch (error) {
    throw error instanceof VaultError
      ? error
      : startFailure(`Cannot lock the folder ${dataDir}: ${reasonOf(error)}.`, error);
  } finally {
    await rm(mine, { force: true });
  }
  return { release: () => rm(path, { force: true }) };
}

async function replaceStale(mine: string, path: string): Promise<void> {
  await refuseLiving(path);
  const guard = `${path}.takeover`;
  if (!(await tryLink(mine, guard))) {
    // Held for two system calls only: it is there for longer if a process died between them.
    await refuseLiving(guard);
    throw startFailure(`A start was cut off while it took over the lock: remove ${guard}.`);
  }
  try {
    // Under the guard, look again: whoever had it before may have put their own lock there.
    await refuseLiving(path);
    await rm(path, { force: true });
    if (!(await tryLink(mine, path))) {
      await refuseLiving(path);
      throw startFailure(`Another process has just locked ${path}: try again.`);
    }
  } finally {
    await rm(guard, { force: true });
  }
}

async function refuseLiving(path: string): Promise<void> {
  const holder = await readHolder(path);
  if (holder !== undefined && startOf(holder.pid) === holder.started) {
    throw startFailure(
      `Another Counterfoil (process ${holder.pid}) is using this folder: stop it first, or set COUNTERFOIL_DATA_DIR to another folder.`,
    );
  }
}

async function writeHolder(path: string): Promise<string> {
  const holder: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' };
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(JSON.stringify(holder)).finally(() => file.close());
    return path;
  } catch (error) {
    throw startFailure(`Cannot write to ${path}: ${reasonOf(error)}.`, error);
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.started === 'string'
      ? { pid: holder.pid, started: holder.started }
      : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      return false;
    }
    throw error;
  }
}
