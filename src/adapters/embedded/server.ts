import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { clearLeftovers, readLockFile } from './leftovers.ts';
import { CHILD_ENV, type RunAs } from './run-as.ts';
import { startFailure } from './start-failure.ts';

/** A running Postgres that is started again when it dies by itself. */
export type Server = {
  /** Its process id now. */
  pid(): number | undefined;
  /** Fast shutdown: open transactions are rolled back. Resolves when no process of it is left. */
  stop(): Promise<void>;
};

type Options = {
  binary: string;
  args: readonly string[];
  runAs: RunAs;
  /** Data directory, as a real path. */
  data: string;
  /** Folder of the socket. */
  runDir: string;
  log: string;
  /** Told, in one line, when the server had to be started again. */
  report: (line: string) => void;
};

/** Crash recovery replays the log since the last checkpoint: seconds, not minutes. */
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const LOOK_MS = 25;
const RESTART_PAUSE_MS = 500;

/** Starts Postgres; resolves when it takes connections, rejects with one line when it does not. */
export async function startServer(options: Options): Promise<Server> {
  // One older log is kept: the reason of a crash should survive the next start.
  await rename(options.log, `${options.log}.1`).catch(() => {});
  let child = launch(options);
  let stopping = false;
  const complain = (error: Error) => options.report(error.message);

  async function keepUp(): Promise<void> {
    for (;;) {
      await ended(child);
      if (stopping) return;
      options.report('The embedded Postgres has ended by itself: starting it again.');
      await sleep(RESTART_PAUSE_MS);
      await clearLeftovers(options.data, options.runDir).catch(complain);
      if (stopping) return;
      child = launch(options);
      await waitUntilReady(child, options).catch(complain);
    }
  }

  try {
    await waitUntilReady(child, options);
  } catch (error) {
    await endChild(child);
    throw error;
  }
  const running = keepUp();
  return {
    pid: () => child.pid,
    stop: async () => {
      stopping = true;
      await endChild(child);
      await running;
    },
  };
}

function launch({ binary, args, runAs, log }: Options): ChildProcess {
  const [program, rest] = runAs.command(binary, args);
  const output = openSync(log, 'a', 0o600);
  try {
    const child = spawn(program, rest, {
      ...runAs.ids,
      env: CHILD_ENV,
      cwd: '/',
      stdio: ['ignore', output, output],
      // A session of its own: Ctrl-C in the terminal must reach the service, which drains first.
      detached: true,
    });
    // A program that cannot be started has no process id; the wait for readiness reports that.
    child.on('error', () => {});
    return child;
  } finally {
    closeSync(output);
  }
}

async function waitUntilReady(child: ChildProcess, { data, log }: Options): Promise<void> {
  let failed = false;
  const failure = ended(child).then(() => {
    failed = true;
  });
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS && !failed; waitedMs += LOOK_MS) {
    const lock = await readLockFile(data);
    if (lock?.ready && lock.pid === child.pid) {
      return;
    }
    await Promise.race([sleep(LOOK_MS), failure]);
  }
  const line = /(?:FATAL|PANIC): +(.*)/.exec(await readFile(log, 'utf8').catch(() => ''))?.[1];
  throw startFailure(`Postgres did not start: ${line ?? 'no reason given'} (its log: ${log}).`);
}

/** Fast shutdown (SIGINT); past the limit immediate shutdown (SIGQUIT), which recovery mends. */
async function endChild(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    child.kill(signal);
    // A paused server hears no signal until it is continued.
    child.kill('SIGCONT');
    const limit = new AbortController();
    const late = sleep(STOP_LIMIT_MS, 'late', { signal: limit.signal }).catch(() => 'done');
    const outcome = await Promise.race([ended(child), late]);
    limit.abort();
    if (outcome !== 'late') return;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
    return;
  }
  await once(child, 'exit');
}
