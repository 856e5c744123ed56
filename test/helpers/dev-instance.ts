import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, type Program, runProgram, startProgram } from './process.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'src', 'main.ts');
/** The end of the banner. */
const LAST_LINE = 'Stop with Ctrl-C.';
const READY_LIMIT_MS = 30_000;

/** The real program, as a person starts it. */
export type DevInstance = {
  http: string;
  admin: string;
  vault: string;
  tokens: Record<string, string>;
  pid: number;
  dataDir: string;
  /** From the start of the process to its readiness. */
  startedInMs: number;
  /** Standard output so far, the banner in it. */
  printed(): string;
  stop(signal?: NodeJS.Signals): Promise<Ended>;
};

export type DevOptions = {
  dataDir: string;
  env?: Record<string, string>;
  /** Start as this user (root only). */
  uid?: number;
  /** Another command that ends up in `counterfoil dev`. */
  command?: readonly string[];
};

const DEV = [process.execPath, '--disable-proto=delete', MAIN, 'dev'];

/** Ports are free ones, unless `env` says otherwise. */
export function devEnv({ dataDir, env }: DevOptions): Record<string, string> {
  return {
    COUNTERFOIL_DATA_DIR: dataDir,
    COUNTERFOIL_HTTP_PORT: '0',
    COUNTERFOIL_ADMIN_PORT: '0',
    ...env,
  };
}

function spawnDev(options: DevOptions) {
  const { uid, command = DEV } = options;
  return startProgram(command, {
    cwd: ROOT,
    env: devEnv(options),
    ...(uid !== undefined && { uid, gid: uid }),
  });
}

/**
 * Starts `counterfoil dev` and waits until it serves. Rejects with its output when it ends before.
 * Without a data directory it gets one of its own, which goes when it is stopped.
 */
export async function startDev(given: Partial<DevOptions> = {}): Promise<DevInstance> {
  const own = given.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'counterfoil-dev-')) : '';
  const options = { ...given, dataDir: given.dataDir ?? own };
  const before = performance.now();
  const program = spawnDev(options);
  const facts = await waitForFacts(program, options.dataDir);
  return {
    ...facts,
    pid: program.pid,
    printed: program.printed,
    dataDir: options.dataDir,
    startedInMs: performance.now() - before,
    stop: async (signal = 'SIGTERM') => {
      program.child.kill(signal);
      const end = await program.ended;
      if (own !== '') await rm(own, { recursive: true, force: true });
      return end;
    },
  };
}

async function waitForFacts(program: Program, dataDir: string): Promise<Facts> {
  const limit = performance.now() + READY_LIMIT_MS;
  while (performance.now() < limit && program.child.exitCode === null) {
    const facts = await readFacts(dataDir);
    if (facts !== undefined && program.printed().includes(LAST_LINE)) {
      return facts;
    }
    await sleep(20);
  }
  program.child.kill('SIGTERM');
  const { code, stdout, stderr } = await program.ended;
  throw new Error(`dev did not start (exit ${code}):\n${stdout}\n${stderr}`);
}

/** Runs `counterfoil dev` where it must refuse, to its end. */
export function failDev(options: DevOptions): Promise<Ended> {
  return spawnDev(options).ended;
}

/** Runs another command of the program beside a running instance. */
export function runCli(args: readonly string[], options: DevOptions): Promise<Ended> {
  return runProgram([process.execPath, MAIN, ...args], { cwd: ROOT, env: devEnv(options) });
}

type Facts = Pick<DevInstance, 'http' | 'admin' | 'vault' | 'tokens'>;

/** `dev.json` is there exactly while an instance serves, but for one that was killed. */
async function readFacts(dataDir: string): Promise<Facts | undefined> {
  const text = await readFile(join(dataDir, 'dev.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Facts);
}

/** One request with JSON in and out. */
export async function post(
  instance: DevInstance,
  request: { call: string; role: string; body: unknown },
): Promise<{ status: number; body: Record<string, unknown> }> {
  const url = `${instance.http}/v1/vaults/${instance.vault}/${request.call}`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${instance.tokens[request.role]}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(request.body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
