import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { type Cluster, openCluster } from '../faults/serve-cluster.ts';
import { waitFor } from '../faults/whole-log.ts';
import { startProgram } from '../helpers/process.ts';
import { sharedRedisUrl } from '../helpers/redis.ts';
import { isRunning, workersOf } from '../helpers/worker-pids.ts';

// Starts of several workers that fail, and ends that nobody asked for.

const MAIN = join(import.meta.dirname, '../../src/main.ts');

let cluster: Cluster;
before(async () => {
  cluster = await openCluster();
});
after(() => cluster?.close());

/** What a start that fails printed, the log lines left out. */
async function failToStart(env: Record<string, string>): Promise<string[]> {
  const starting = cluster.start('failing', { env: { COUNTERFOIL_WORKERS: '2', ...env } });
  const error = await starting.then(
    () => assert.fail('it started'),
    (reason: Error) => reason,
  );
  return error.message.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

it('says once what keeps its workers from starting', async () => {
  const lines = await failToStart({ COUNTERFOIL_KEYRING: 'raw-aes:/nowhere/root.key' });
  assert.deepEqual(lines, [
    'serve did not start (exit 1):',
    'counterfoil: Cannot read the root key /nowhere/root.key: there is no such file or folder.',
  ]);
});

it('does not start more workers than Postgres has connections for', async () => {
  const lines = await failToStart({ COUNTERFOIL_WORKERS: '64' });
  assert.equal(lines.length, 2);
  assert.match(
    lines[1] ?? '',
    /^counterfoil: 64 workers use up to 1408 connections, and Postgres has \d+ for this role: .* at most \d+ workers$/,
  );
});

it('ends its workers with itself, even when it is killed', async () => {
  const instance = await cluster.start('killed', { env: { COUNTERFOIL_WORKERS: '2' } });
  const workers = workersOf(instance.pid);
  assert.equal(workers.length, 2);
  const { signal } = await instance.end('SIGKILL');
  assert.equal(signal, 'SIGKILL');
  await waitFor('the workers have ended, too', () => !workers.some(isRunning));
});

it('dev: one banner, one dev.json, one port that was drawn; Ctrl-C leaves nothing', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-workers-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const options = ['--disable-proto=delete', '--max-semi-space-size=8'];
  const command = [process.execPath, ...options, MAIN, 'dev', '--workers', '2'];
  const program = startProgram([...command, '--json'], {
    env: {
      COUNTERFOIL_DATA_DIR: dataDir,
      COUNTERFOIL_HTTP_PORT: '0',
      COUNTERFOIL_ADMIN_PORT: '0',
      COUNTERFOIL_LOG_LEVEL: 'warn',
      REDIS_URL: sharedRedisUrl(),
    },
  });
  t.after(() => program.child.kill('SIGKILL'));
  const devJson = join(dataDir, 'dev.json');
  await waitFor('it has started', () => program.printed().includes('}\n'), 120_000);
  const facts = JSON.parse(await readFile(devJson, 'utf8')) as { http: string; admin: string };
  assert.deepEqual(JSON.parse(program.printed()), facts);
  assert.equal((await fetch(`${facts.admin}/readyz`)).status, 200);
  assert.equal((await fetch(`${facts.http}/openapi.json`)).status, 200);
  const workers = workersOf(program.pid);
  assert.equal(workers.length, 2);
  // What Node was started with, for memory and against attacks, holds for the workers as well.
  const args = execFileSync('ps', ['-o', 'args=', '-p', workers.join(',')], { encoding: 'utf8' });
  assert.equal(args.match(/ --disable-proto=delete --max-semi-space-size=8 /g)?.length, 2, args);
  // As a terminal does: to the primary and its workers at once.
  for (const pid of [program.pid, ...workers]) process.kill(pid, 'SIGINT');
  const { code, stderr } = await program.ended;
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(workers.filter(isRunning), []);
  assert.equal(existsSync(devJson), false);
});
