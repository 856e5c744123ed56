import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from '../../crypto/random.ts';
import { type Binaries, MAJOR_VERSION } from './binaries.ts';
import { CHILD_ENV, type RunAs } from './run-as.ts';
import { reasonOf, startFailure } from './start-failure.ts';

/** Passwords of the three roles. They never stand on a command line. */
export type Passwords = { admin: string; owner: string; service: string };

/** Where the parts of an embedded Postgres lie in the data directory of the service. */
export type Places = { home: string; data: string; passwords: string; log: string };

/** @param dataDir the service's data directory */
export function placesOf(dataDir: string): Places {
  const home = join(dataDir, 'postgres');
  return {
    home,
    data: join(home, 'data'),
    passwords: join(home, 'passwords.json'),
    log: join(home, 'postgres.log'),
  };
}

/** True when the data directory holds a database already. */
export function hasCluster(dataDir: string): boolean {
  return existsSync(placesOf(dataDir).data);
}

/** Reads the passwords of an existing database. */
export async function readPasswords(places: Places): Promise<Passwords> {
  try {
    const found = JSON.parse(await readFile(places.passwords, 'utf8')) as Partial<Passwords>;
    const { admin, owner, service } = found;
    if (admin !== undefined && owner !== undefined && service !== undefined) {
      return { admin, owner, service };
    }
  } catch (error) {
    throw startFailure(`Cannot read ${places.passwords}: ${reasonOf(error)}.`, error);
  }
  throw startFailure(`${places.passwords} does not hold the three passwords of the database.`);
}

/** Refuses the data of another PostgreSQL with one line: a newer server cannot read them as they are. */
export async function checkVersion(places: Places): Promise<void> {
  const version = await readFile(join(places.data, 'PG_VERSION'), 'utf8').catch(() => 'unknown');
  if (version.trim() !== MAJOR_VERSION) {
    throw startFailure(
      `The database in ${places.data} is of PostgreSQL ${version.trim()}, this program brings ${MAJOR_VERSION}: move the data with pg_dump, or use another folder.`,
    );
  }
}

/**
 * Makes a new, empty database. It is built beside its place and moved there when it is complete, so a
 * crash leaves either nothing or everything; the half-built folder is removed by the next start.
 */
export async function createCluster(options: {
  places: Places;
  binaries: Binaries;
  runAs: RunAs;
  /** A folder that only the user of Postgres can read, for the password on its way. */
  runDir: string;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const { places, runAs, runDir } = options;
  const building = `${places.home}.new`;
  const data = join(building, 'data');
  const passwordFile = join(runDir, 'password');
  const passwords: Passwords = {
    admin: drawPassword(),
    owner: drawPassword(),
    service: drawPassword(),
  };
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { mode: runAs.passMode });
  await mkdir(data, { mode: 0o700 });
  runAs.give(data);
  await writePrivate(join(building, 'passwords.json'), JSON.stringify(passwords));
  await writePrivate(passwordFile, passwords.admin);
  runAs.give(passwordFile);
  try {
    await runInitdb({ ...options, data, passwordFile });
  } finally {
    await rm(passwordFile);
  }
  await rename(building, places.home);
}

/** 256 bits, in characters that need no escape in a URL or in SQL. */
function drawPassword(): string {
  return randomBytes(32).toString('base64url');
}

function writePrivate(path: string, text: string): Promise<void> {
  return writeFile(path, text, { mode: 0o600, flag: 'wx', flush: true });
}

async function runInitdb(options: {
  binaries: Binaries;
  runAs: RunAs;
  data: string;
  passwordFile: string;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const [program, args] = options.runAs.command(options.binaries.initdb, [
    `--pgdata=${options.data}`,
    '--username=postgres',
    `--pwfile=${options.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--no-instructions',
  ]);
  const child = spawn(program, args, {
    ...options.runAs.ids,
    env: CHILD_ENV,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    signal: options.signal,
  });
  const output: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.on('error', (error) => output.push(`error: ${reasonOf(error)}`));
  // Also after an abort: `close` comes when every process that initdb has started is gone. (Not by
  // `events.once`: that one gives up at the `error` of the abort, while they still write.)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  options.signal?.throwIfAborted();
  if (code !== 0) {
    const line = /error: (.*)/.exec(output.join(''))?.[1] ?? `initdb ended with ${code}`;
    throw startFailure(`Cannot create the database in ${options.data}: ${line}.`);
  }
}
