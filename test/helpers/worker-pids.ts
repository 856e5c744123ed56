import { execFileSync } from 'node:child_process';

/** The ids of the workers that the primary with this id keeps now. */
export function workersOf(primary: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' });
  return [...lines.matchAll(/^ *(\d+) +(\d+) .*src\/main\.ts /gm)]
    .filter(([, parent]) => Number(parent) === primary)
    .map(([, , pid]) => Number(pid));
}

/** Whether there is such a process, of ours. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
