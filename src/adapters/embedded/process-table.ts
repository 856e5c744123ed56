import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const HAS_PROC = existsSync('/proc/self/stat');

/**
 * When the process with this id started, in whatever unit the system tells it, or `undefined` when
 * there is none. Process ids are used again; the pair of id and start names one process. A zombie has
 * ended: its parent only has not looked yet.
 */
export function startOf(pid: number): string | undefined {
  if (!HAS_PROC) {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim() || undefined;
  }
  const stat = statOf(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : stat.started;
}

/**
 * The Postgres processes that work in a data directory, whatever its lock file says. All of them
 * change into it, and without the postmaster its children may live on for a moment. Without `/proc`
 * only the postmaster is found, by its arguments.
 *
 * @param directory real path (no symbolic link in it)
 */
export function findServers(directory: string): number[] {
  if (!HAS_PROC) {
    return findByArguments(directory);
  }
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && folderOf(pid) === directory)
    .filter((pid) => {
      const stat = statOf(pid);
      return stat?.name === 'postgres' && stat.state !== 'Z';
    });
}

/** Sends a signal; a process that is gone already is fine. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone, or not ours: the caller looks again and reports what is still there.
  }
}

function statOf(pid: number): { name: string; state: string; started: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name stands in parentheses and may itself hold any character; state follows as
    // field 3, the start (clock ticks after boot) is field 22.
    const open = text.indexOf('(');
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ');
    const [state, started] = [fields[0], fields[19]];
    if (state === undefined || started === undefined) {
      return undefined;
    }
    return { name: text.slice(open + 1, close), state, started: `${bootId()}/${started}` };
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function findByArguments(directory: string): number[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => /\/postgres /.test(line) && line.includes(` -D ${directory} `))
    .map((line) => Number.parseInt(line, 10));
}
