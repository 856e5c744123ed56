import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';

const run = promisify(execFile);
const PROGRAMS = ['redis-server', 'valkey-server'] as const;
const START_MS = 20_000;
const MISSING =
  'Tests need Redis: install redis-server or valkey-server, or set TEST_REDIS_URL to a server that they may use.';

/** A Redis of one's own, on loopback, without persistence. */
export type TestRedis = {
  url: string;
  /** Ends the program as a crash would. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Starts a Redis: a program on the PATH, else the distribution's package where this user may install it.
 * Rejects with one line when none can be had.
 */
export async function startRedis(given: { port?: number } = {}): Promise<TestRedis> {
  const program = (await findProgram()) ?? (await installPackage());
  if (program === undefined) throw new Error(MISSING);
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-redis-'));
  const port = given.port ?? (await freePort());
  const child = spawn(
    program,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
    ],
    { stdio: 'ignore' },
  );
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  const url = `redis://127.0.0.1:${port}`;
  await untilAnswers(url, () => child.exitCode !== null);
  return { url, kill: () => end('SIGKILL'), close: () => end('SIGTERM') };
}

async function findProgram(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    const found = await run(program, ['--version']).then(
      () => true,
      () => false,
    );
    if (found) return program;
  }
  return undefined;
}

/** Only where it cannot surprise anybody: as root on a Debian, as in a build container. */
async function installPackage(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-q'], { env }).catch(() => {});
    await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', 'redis-server'], {
      env,
    });
  } catch {
    return undefined;
  }
  return findProgram();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function untilAnswers(url: string, hasEnded: () => boolean): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  try {
    const deadline = sleep(START_MS, 'late', { ref: false });
    const first = await Promise.race([redis.ping(), deadline]);
    if (first !== 'PONG' || hasEnded()) throw new Error('Redis did not start');
  } finally {
    redis.disconnect();
  }
}

/** The Redis that all files of a run share. */
export function sharedRedisUrl(): string {
  const url = process.env['TEST_REDIS_URL'];
  if (url === undefined) {
    throw new Error('TEST_REDIS_URL is not set: run tests with "npm test"');
  }
  return url;
}
