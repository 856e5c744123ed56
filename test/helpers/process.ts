import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** How a program ended, and all that it printed. */
export type Ended = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
};

export type Program = {
  child: ChildProcess;
  pid: number;
  /** Standard output so far. */
  printed: () => string;
  ended: Promise<Ended>;
};

/** Starts a program and gathers its output. `env` is all that it gets beside the PATH. */
export function startProgram(
  command: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'uid' | 'gid'> & { env?: Record<string, string> } = {},
): Program {
  const [program = '', ...args] = command;
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: process.env['TMPDIR'] ?? '/tmp' };
  const child = spawn(program, args, {
    ...options,
    env: { ...env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { child, pid: child.pid ?? 0, printed: () => output.stdout, ended };
}

/** Runs a program to its end. */
export function runProgram(
  command: readonly string[],
  options?: Parameters<typeof startProgram>[1],
): Promise<Ended> {
  return startProgram(command, options).ended;
}
