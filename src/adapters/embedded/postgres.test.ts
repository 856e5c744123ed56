import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { placesOf } from './cluster.ts';
import { readLockFile } from './leftovers.ts';
import { findDatabase, startPostgres } from './postgres.ts';
import { findServers } from './process-table.ts';

const root = await mkdtemp(join(tmpdir(), 'pg-test-'));
after(() => rm(root, { recursive: true }));

/** One data directory for the tests that follow each other on it. */
const dataDir = join(root, 'data');
await mkdir(dataDir, { mode: 0o700 });
const places = placesOf(await realpath(dataDir));

const reports: string[] = [];
const start = async (dir = dataDir) => {
  const postgres = await startPostgres({ dataDir: dir, report: (line) => reports.push(line) });
  await postgres.ensureDatabase();
  return postgres;
};

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a new database is durable, checked, local, and separates its roles', async () => {
  const postgres = await start();
  try {
    const shown = await ask(
      postgres.urls.owner,
      `select name, setting from pg_settings where name in ('fsync', 'full_page_writes',
       'synchronous_commit', 'data_checksums', 'listen_addresses', 'server_encoding', 'lc_collate')`,
    );
    assert.deepEqual(Object.fromEntries(shown.map((row) => [row['name'], row['setting']])), {
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      listen_addresses: '',
      server_encoding: 'UTF8',
    });
    const [owner] = await ask(
      postgres.urls.owner,
      `select rolsuper, (select datcollate from pg_database where datname = current_database()) as collation,
       pg_has_role(current_user, datdba, 'usage') as owns
       from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
    );
    assert.deepEqual(owner, { rolsuper: false, collation: 'C', owns: true });
    await ask(postgres.urls.owner, 'create table kept (n int)');
    await assert.rejects(ask(postgres.urls.service, 'select * from kept'), { code: '42501' });
    const wrong = postgres.urls.service.replace(/:[^:@]+@/, ':wrong@');
    await assert.rejects(ask(wrong, 'select 1'), { code: '28P01' });
  } finally {
    await postgres.close();
  }
});

test('nobody but the owner can read passwords and log, and stopping leaves nothing behind', async () => {
  assert.equal((await stat(places.passwords)).mode & 0o777, 0o600);
  assert.equal((await stat(places.log)).mode & 0o777, 0o600);
  assert.equal((await stat(places.data)).mode & 0o777, 0o700);
  assert.deepEqual(findServers(places.data), []);
  assert.equal(await readLockFile(places.data), undefined);
  await assert.rejects(findDatabase(dataDir), { message: /No Counterfoil is running/ });
});

test('a restart finds the data, and a second process finds the database', async () => {
  const postgres = await start();
  try {
    await ask(postgres.urls.owner, 'select * from kept');
    assert.equal(await findDatabase(dataDir), postgres.urls.service);
    await ask(await findDatabase(dataDir), 'select 1');
  } finally {
    await postgres.close();
  }
});

test('a server that dies is started again at the same address', async () => {
  const postgres = await start();
  try {
    const pid = postgres.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    for (let up = false; !up; await sleep(50)) {
      const lock = await readLockFile(places.data);
      up = lock?.ready === true && lock.pid !== pid && lock.pid === postgres.pid();
    }
    await ask(postgres.urls.owner, 'select * from kept');
    assert.match(reports.join('\n'), /has ended by itself/);
  } finally {
    await postgres.close();
  }
  assert.deepEqual(findServers(places.data), []);
});

test('a paused server can be stopped', async () => {
  const postgres = await start();
  process.kill(postgres.pid() ?? 0, 'SIGSTOP');
  await postgres.close();
  assert.deepEqual(findServers(places.data), []);
});

test('the orphan of a killed service is stopped, and its socket folder removed', async () => {
  const script = `import { startPostgres } from ${JSON.stringify(import.meta.resolve('./postgres.ts'))};
    await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, report() {} });
    process.send('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const orphan = await readLockFile(places.data);
  assert(findServers(places.data).includes(orphan?.pid ?? 0));
  const postgres = await start();
  try {
    assert.notEqual(postgres.pid(), orphan?.pid);
    await assert.rejects(stat(orphan?.socketDir ?? ''), { code: 'ENOENT' });
    await ask(postgres.urls.owner, 'select * from kept');
  } finally {
    await postgres.close();
  }
});

test('a lock file whose process id another program has now does not stop a start', async () => {
  const lines = [process.pid, places.data, 1, 5432, '/nonexistent/socket', '', '1 1', 'ready   '];
  await writeFile(join(places.data, 'postmaster.pid'), `${lines.join('\n')}\n`, { mode: 0o600 });
  await (await start()).close();
});

test('the data of another major version are refused in one line', async () => {
  const file = join(places.data, 'PG_VERSION');
  const version = await readFile(file, 'utf8');
  await writeFile(file, '17\n');
  await assert.rejects(start(), {
    message: /is of PostgreSQL 17, this program brings 18: [^\n]*$/,
  });
  await writeFile(file, version);
});

test('a half-built database is thrown away, and a failure to build leaves none', async () => {
  const dir = join(root, 'half');
  await mkdir(join(dir, 'postgres.new', 'data'), { recursive: true });
  await writeFile(join(dir, 'postgres.new', 'passwords.json'), '{}');
  const stop = AbortSignal.timeout(200);
  await assert.rejects(startPostgres({ dataDir: dir, signal: stop, report() {} }), {
    name: 'TimeoutError',
  });
  assert(!(await readdir(dir)).includes('postgres'));
  await (await start(dir)).close();
  assert.deepEqual(await readdir(dir), ['postgres']);
});

test('a server that cannot start says why in one line', async () => {
  await assert.rejects(
    startPostgres({ dataDir, settings: { shared_buffers: 'none' }, report() {} }),
    { message: /^Postgres did not start: [^\n]*shared_buffers[^\n]*postgres\.log\)\.$/ },
  );
  await chmod(places.passwords, 0o600);
});
