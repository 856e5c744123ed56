import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findServers, signalTo, startOf } from './process-table.ts';
import { RUN_DIR_PREFIX } from './run-dir.ts';
import { startFailure } from './start-failure.ts';

/** What a server says of itself in its lock file. */
export type LockFile = { pid: number; socketDir: string; port: string; ready: boolean };

const FAST_LIMIT_MS = 10_000;
const IMMEDIATE_LIMIT_MS = 5_000;
const LOOK_MS = 25;

/** Reads `postmaster.pid` of a data directory, if it is there and whole. */
export async function readLockFile(data: string): Promise<LockFile | undefined> {
  const text = await readFile(lockFileOf(data), 'utf8').catch(() => '');
  // Lines: pid, data directory, start, port, socket folder, address, shared memory, status.
  const [pid, , , port, socketDir, , , status] = text.split('\n');
  if (pid === undefined || port === undefined || socketDir === undefined) {
    return undefined;
  }
  return { pid: Number(pid), socketDir, port, ready: status?.trim() === 'ready' };
}

/**
 * Clears what a killed service has left: its Postgres, which runs on as an orphan, and a lock file
 * that names a process id which now belongs to another program. A lock file whose process is gone
 * stays: Postgres itself replaces it, after it has made sure that no child of the old server still
 * uses the shared memory. Call it only as the holder of the service lock.
 *
 * @param data the data directory, as a real path
 * @param runDir the socket folder that the next start will use; it stays, even if it is the last one's
 */
export async function clearLeftovers(data: string, runDir: string): Promise<void> {
  const lock = await readLockFile(data);
  await stopServers(data, lock?.pid);
  if (lock === undefined) {
    return;
  }
  // No server works in this directory any more, so a living process of that id is some other program.
  // Postgres would believe the file, and refuse to start.
  if (existsSync(lockFileOf(data)) && startOf(lock.pid) !== undefined) {
    await rm(lockFileOf(data), { force: true });
  }
  if (lock.socketDir !== runDir && basename(lock.socketDir).startsWith(RUN_DIR_PREFIX)) {
    await rm(lock.socketDir, { recursive: true, force: true });
  }
}

/** Ends all servers of a data directory; rejects with one line when one of them stays. */
async function stopServers(data: string, postmaster: number | undefined): Promise<void> {
  const found = findServers(data);
  // Only to the postmaster: to its children SIGINT means other things. Without one, they end alone.
  for (const pid of found.filter((candidate) => candidate === postmaster)) {
    signalTo(pid, 'SIGINT');
    signalTo(pid, 'SIGCONT');
  }
  if (await allGone(data, FAST_LIMIT_MS)) {
    return;
  }
  for (const pid of findServers(data)) {
    signalTo(pid, 'SIGQUIT');
    signalTo(pid, 'SIGCONT');
  }
  if (await allGone(data, IMMEDIATE_LIMIT_MS)) {
    return;
  }
  const [pid] = findServers(data);
  throw startFailure(
    `A Postgres of an earlier start (process ${pid}) does not end: stop it, then try again.`,
  );
}

async function allGone(data: string, limitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += LOOK_MS) {
    if (findServers(data).length === 0) {
      return true;
    }
    await sleep(LOOK_MS);
  }
  return findServers(data).length === 0;
}

function lockFileOf(data: string): string {
  return join(data, 'postmaster.pid');
}
