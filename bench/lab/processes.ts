// Programs of a run, each a process of its own, started the way that production starts them.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..', '..');
const START_WITHIN_MS = 60_000;
/** Of a log, looked through for the line that names the ports. */
const HEAD_BYTES = 65_536;

const readLauncher = () => readFileSync(join(ROOT, 'bin', 'counterfoil.mjs'), 'utf8');

/** The options of Node that `counterfoil` starts with: read from its launcher, so that they are the same. */
export function productionFlags(launcher = readLauncher()): string[] {
  const flags = [...launcher.matchAll(/'(--[\w-]+(?:=[\w.-]+)?)'/g)].map(([, flag = '']) => flag);
  if (flags.length === 0) throw new Error('bin/counterfoil.mjs names no options of Node');
  return flags;
}

/** What the launcher puts into the environment. */
export function productionEnv(launcher = readLauncher()): Record<string, string> {
  const env = Object.fromEntries(
    [...launcher.matchAll(/\b(MALLOC_\w+): '(\d+)'/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  if (Object.keys(env).length === 0) throw new Error('bin/counterfoil.mjs sets nothing for malloc');
  return env;
}

/** A program that listens. */
export type Server = { pid: number; http: string; admin: string; stop(): Promise<void> };

/**
 * Starts a program under the flags of production, its output in a file, and waits for its log line
 * `listening`. Rejects with what it printed when it ends before that.
 */
export async function startServer(
  command: readonly string[],
  { env, log }: { env: Readonly<Record<string, string>>; log: string },
): Promise<Server> {
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, [...productionFlags(), ...command], {
    env: {
      PATH: process.env['PATH'] ?? '',
      TMPDIR: process.env['TMPDIR'] ?? '/tmp',
      ...productionEnv(),
      ...env,
    },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const giveUpAtMs = performance.now() + START_WITHIN_MS;
  while (performance.now() < giveUpAtMs && child.exitCode === null) {
    const ports = findPorts(await headOf(log));
    if (ports !== undefined) {
      return { pid: child.pid ?? 0, ...ports, stop: () => stop(child) };
    }
    await sleep(20);
  }
  await stop(child);
  throw new Error(`${command.join(' ')} did not start:\n${await headOf(log)}`);
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function findPorts(text: string): { http: string; admin: string } | undefined {
  const line = text.split('\n').find((candidate) => /"event":"listening".*\}$/.test(candidate));
  if (line === undefined) return undefined;
  const { http, admin = '' } = JSON.parse(line) as { http: string; admin?: string };
  return { http, admin };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
