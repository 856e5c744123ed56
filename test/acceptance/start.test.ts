import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chown, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findServers, startOf } from '../../src/adapters/embedded/process-table.ts';
import {
  type DevInstance,
  devEnv,
  failDev,
  post,
  ROOT,
  runCli,
  startDev,
} from '../helpers/dev-instance.ts';
import { type Ended, startProgram } from '../helpers/process.ts';
import { makeShell } from '../helpers/shell.ts';

// The tests follow each other on one data directory, as a developer's days do.
const root = await mkdtemp(join(tmpdir(), 'counterfoil-start-'));
const dataDir = join(root, 'data');
const options = { dataDir };
after(() => rm(root, { recursive: true, force: true }));

const EMAIL = 'ada@example.com';
let token = '';

const postgresFolder = (folder = dataDir) => join(folder, 'postgres', 'data');

/** The service has ended well, and no process of it is left. */
function assertGone(instance: Pick<DevInstance, 'pid' | 'dataDir'>, end: Ended): void {
  assert.equal(end.code, 0, end.stderr);
  assert.equal(end.stderr, '');
  assert.equal(startOf(instance.pid), undefined);
  assert.deepEqual(findServers(postgresFolder(instance.dataDir)), []);
}

/** The program said no, in one line, and left nothing running. */
function assertRefused(end: Ended, line: RegExp, folder = dataDir): void {
  assert.equal(end.code, 1, end.stdout);
  assert.match(end.stderr, /^counterfoil: [^\n]+\n$/);
  assert.match(end.stderr, line);
  assert.deepEqual(findServers(postgresFolder(folder)), []);
}

async function reveal(instance: DevInstance): Promise<unknown> {
  const body = { token, purpose: 'support-ticket' };
  return (await post(instance, { call: 'detokenize', role: 'supervisor', body })).body['value'];
}

test('a fresh start in a private folder serves, and its curl lines work as printed', async (t) => {
  assert.equal((await stat(root)).mode & 0o777, 0o700);
  const instance = await startDev(options);
  try {
    t.diagnostic(`served after ${Math.round(instance.startedInMs)} ms`);
    const lines = instance
      .printed()
      .split('\n')
      .filter((line) => line.startsWith('curl '));
    const paste = await makeShell();
    const answers: Record<string, string>[] = [];
    for (const line of lines) {
      answers.push(JSON.parse(await paste(line)));
    }
    assert.match(answers[0]?.['token'] ?? '', /^[0-9a-hjkmnp-tv-z]{26}@token\.invalid$/);
    assert.deepEqual(answers.slice(1), [
      { value: 'a•••@example.com', field: 'email', view: 'masked' },
      { value: EMAIL, field: 'email', view: 'full' },
    ]);
    token = answers[0]?.['token'] ?? '';
  } finally {
    assertGone(instance, await instance.stop('SIGTERM'));
  }
});

test('what lies in the folder can be read by its owner only', async () => {
  for (const file of ['root.key', 'dev-issuer.pem', 'postgres/passwords.json']) {
    assert.equal((await stat(join(dataDir, file))).mode & 0o777, 0o600, file);
  }
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
});

test('a second start has the data of the first, and its tools work beside it', async () => {
  const instance = await startDev(options);
  try {
    assert.equal(await reveal(instance), EMAIL);
    assert.equal((await stat(join(dataDir, 'dev.json'))).mode & 0o777, 0o600);
    assertRunning(await failDev(options), instance);

    const made = await runCli(['dev-token', '--role', 'support', '--sub', 'eve'], options);
    assert.equal(made.code, 0, made.stderr);
    const asEve = { ...instance, tokens: { eve: made.stdout.trim() } };
    const body = { token, view: 'masked', purpose: 'support-ticket' };
    const seen = await post(asEve, { call: 'detokenize', role: 'eve', body });
    assert.deepEqual(seen.body, { value: 'a•••@example.com', field: 'email', view: 'masked' });

    const tail = await runCli(['audit', 'tail', '--limit', '1'], options);
    assert.match(tail.stdout, /^\S+Z allow detokenize 200 vault=demo by=eve .*view=masked .*\n$/);
  } finally {
    assertGone(instance, await instance.stop('SIGINT'));
  }
});

function assertRunning(second: Ended, first: DevInstance): void {
  assert.equal(second.code, 1);
  assert.match(second.stderr, /^counterfoil: [^\n]+\n$/);
  assert(second.stderr.includes(`(process ${first.pid})`), second.stderr);
}

test('after SIGKILL a new start stops the orphaned Postgres and has the data', async () => {
  const killed = await startDev(options);
  const orphans = findServers(postgresFolder());
  await killed.stop('SIGKILL');
  assert(orphans.length > 0);
  assert(findServers(postgresFolder()).length > 0);
  const instance = await startDev(options);
  try {
    assert.equal(await reveal(instance), EMAIL);
    assert(orphans.every((pid) => startOf(pid) === undefined));
  } finally {
    assertGone(instance, await instance.stop('SIGTERM'));
  }
});

test('locks of processes that are gone, or of others that have their ids now, do not hinder a start', async () => {
  const lines = [process.pid, postgresFolder(), 1, 5432, '/nonexistent', '', '1 1', 'ready   '];
  await writeFile(join(postgresFolder(), 'postmaster.pid'), `${lines.join('\n')}\n`);
  await writeFile(join(dataDir, 'lock'), JSON.stringify({ pid: process.pid, started: 'before' }));
  const instance = await startDev(options);
  assertGone(instance, await instance.stop('SIGTERM'));
});

test('a stop during the start ends it cleanly, at any moment', async () => {
  const folder = join(root, 'cut');
  for (const afterMs of [300, 700, 1500, 2500]) {
    const program = startProgram([process.execPath, join(ROOT, 'src/main.ts'), 'dev'], {
      env: devEnv({ dataDir: folder }),
    });
    await sleep(afterMs);
    program.child.kill('SIGINT');
    const end = await program.ended;
    // Before the first line of our own runs, the signal simply ends Node.
    if (end.signal !== 'SIGINT') {
      assertGone({ pid: program.pid, dataDir: folder }, end);
    }
  }
});

test('npm start stops with everything that it started when npm is told to', async () => {
  const instance = await startDev({ ...options, command: ['npm', 'start'] });
  const servers = findServers(postgresFolder());
  await instance.stop('SIGTERM');
  // npm ends when its child does; were it otherwise, this would wait until the test times out.
  while (findServers(postgresFolder()).length > 0) {
    await sleep(50);
  }
  assert(servers.length > 0);
  assert.deepEqual(findServers(postgresFolder()), []);
});

test('npm start leaves nothing behind when npm is killed, and starts again', async () => {
  const killed = await startDev({ ...options, command: ['npm', 'start'] });
  assert(findServers(postgresFolder()).length > 0);
  await killed.stop('SIGKILL');
  while (findServers(postgresFolder()).length > 0) {
    await sleep(50);
  }
  const instance = await startDev(options);
  assert.equal(await reveal(instance), EMAIL);
  assertGone(instance, await instance.stop('SIGTERM'));
});

test('a busy port is one line, and leaves nothing behind', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  try {
    for (const name of ['COUNTERFOIL_HTTP_PORT', 'COUNTERFOIL_ADMIN_PORT']) {
      const end = await failDev({ ...options, env: { [name]: String(port) } });
      assertRefused(end, new RegExp(`port ${port} is in use`));
    }
  } finally {
    server.close();
  }
});

test('dev refuses a database, a public address and a folder it cannot write, and says why', async () => {
  const refused = async (env: Record<string, string>, line: RegExp) => {
    const end = await failDev({ ...options, env });
    assert.equal(end.code, 1);
    assert.match(end.stderr, line);
    assert.doesNotMatch(end.stderr, /\n +at |hunter2/);
  };
  await refused({ DATABASE_URL: 'postgres://a:hunter2@b/c' }, /DATABASE_URL must not be set: dev /);
  await refused({ COUNTERFOIL_HOST: '0.0.0.0' }, /COUNTERFOIL_HOST must be a loopback address: /);
  const elsewhere = { COUNTERFOIL_POLICIES: await mkdtemp(join(root, 'policies-')) };
  await refused(elsewhere, /^counterfoil: dev needs a policy of a vault named demo [^\n]*\n$/);
  const file = join(root, 'file');
  await writeFile(file, '');
  // Node's recursive mkdir never ends there.
  assertRefused(await failDev({ dataDir: '/proc/nothing' }), /Cannot make the folder/);
  assertRefused(await failDev({ dataDir: join(file, 'data') }), /Cannot make the folder/);
});

test('dev refuses to make a new root key beside existing data, and says why', async () => {
  const key = join(dataDir, 'root.key');
  await rename(key, `${key}.away`);
  assertRefused(await failDev(options), /root\.key is missing, and only it opens the data/);
  await rename(`${key}.away`, key);
  const bytes = await readFile(key);
  await writeFile(key, bytes.subarray(1));
  assertRefused(await failDev(options), /exactly 32 bytes/);
  await writeFile(key, bytes);
});

const NOBODY = 65_534;
const asNobody = { uid: NOBODY, gid: NOBODY, cwd: '/', env: {} };

/** An ordinary user can only run what it can read. */
function whyNotAsNobody(): string | false {
  if (process.getuid?.() !== 0) return 'not root: all other tests run as an ordinary user';
  const check = ['-e', `require('fs').readFileSync(process.argv[1])`, join(ROOT, 'package.json')];
  const readable = spawnSync(process.execPath, check, asNobody).status === 0;
  return readable ? false : 'the checkout cannot be read by the user nobody';
}

test('an ordinary user starts it, too, and cannot start it in the folder of another', {
  skip: whyNotAsNobody(),
}, async () => {
  const own = await mkdtemp(join(tmpdir(), 'counterfoil-nobody-'));
  try {
    await chown(own, NOBODY, NOBODY);
    const instance = await startDev({ dataDir: join(own, 'data'), uid: NOBODY });
    const end = await instance.stop('SIGTERM');
    assertGone(instance, end);
    const refused = await failDev({ dataDir, uid: NOBODY });
    assertRefused(refused, /permission denied/);
    // Root finds the data of that user, and runs Postgres as that user.
    const asRoot = await startDev({ dataDir: join(own, 'data') });
    assertGone(asRoot, await asRoot.stop('SIGTERM'));
  } finally {
    await rm(own, { recursive: true, force: true });
  }
});
