// `npm test`: one Postgres and one Redis for the whole run, a migrated template that each test file
// clones, then the test runner. Arguments are files to run instead of all. Nothing is printed after the runner's
// own closing lines.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { startPostgres } from '../src/adapters/embedded/postgres.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { createEmptyDatabase, MIGRATIONS, prepareCluster } from './helpers/database.ts';
import { startRedis } from './helpers/redis.ts';

const ROOT = join(import.meta.dirname, '..');
const ALL = ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'];
/** For one test, and for one file. */
const TIMEOUT_MS = 180_000;
/** Files that run at once; each may have a few connections to Postgres, and a program of its own. */
const CONCURRENCY = Math.max(2, Math.min(8, availableParallelism()));

const undo: (() => Promise<unknown>)[] = [];
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort());
}

process.chdir(ROOT);
try {
  const url = process.env['TEST_DATABASE_URL'] ?? (await startDatabase());
  process.env['TEST_DATABASE_URL'] = url;
  process.env['TEST_DATABASE_TEMPLATE'] = await makeTemplate(url);
  process.env['TEST_REDIS_URL'] ??= await startSharedRedis();
  process.exitCode = (await runTests(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  if (!stop.signal.aborted)
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
} finally {
  for (const step of undo.reverse()) {
    await step();
  }
}
process.exit();

async function startDatabase(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-test-'));
  undo.push(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startPostgres({
    dataDir,
    signal: stop.signal,
    settings: { max_connections: '300' },
    report: (line) => process.stderr.write(`${line}\n`),
  });
  undo.push(postgres.close);
  return postgres.urls.admin;
}

async function startSharedRedis(): Promise<string> {
  const redis = await startRedis();
  undo.push(redis.close);
  return redis.url;
}

/** Migrates an empty database once; the name is new, so that two runs can share one server. */
async function makeTemplate(url: string): Promise<string> {
  await prepareCluster(url);
  const template = await createEmptyDatabase();
  undo.push(template.drop);
  await migrate({ connectionString: template.ownerUrl, directory: MIGRATIONS });
  return new URL(template.ownerUrl).pathname.slice(1);
}

/** Runs the tests; true when at least one ran and none failed. */
async function runTests(files: string[]): Promise<boolean> {
  let good = false;
  const events = run({
    ...(files.length > 0 ? { files } : { globPatterns: ALL }),
    cwd: ROOT,
    concurrency: CONCURRENCY,
    timeout: TIMEOUT_MS,
    signal: stop.signal,
    execArgv: ['--disable-proto=delete'],
  });
  events.on('test:summary', ({ file, success, counts }) => {
    if (file === undefined) {
      good = success && counts.tests > 0;
      if (counts.tests === 0) process.stderr.write('No test ran: that is a failure.\n');
    }
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report);
  return good;
}
