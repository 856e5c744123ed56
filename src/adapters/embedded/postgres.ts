import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Binaries, findBinaries } from './binaries.ts';
import {
  checkVersion,
  createCluster,
  hasCluster,
  type Passwords,
  type Places,
  placesOf,
  readPasswords,
} from './cluster.ts';
import { clearLeftovers, readLockFile } from './leftovers.ts';
import { ADMIN, DATABASE, ensureRoles, grantService, OWNER, SERVICE } from './roles.ts';
import { chooseRunAs, type RunAs } from './run-as.ts';
import { makeRunDir } from './run-dir.ts';
import { startServer } from './server.ts';
import { codeOf, reasonOf, startFailure } from './start-failure.ts';

/** A PostgreSQL of our own, with a database for the service in it. */
export type EmbeddedPostgres = {
  /** Connection strings: superuser, owner of the database, login role of the service. Secrets. */
  urls: { admin: string; owner: string; service: string };
  pid(): number | undefined;
  /** Makes the roles and the database where they are missing. */
  ensureDatabase(): Promise<void>;
  /** Lets the service's login role use what the migrations have granted. Call it after them. */
  grantService(): Promise<void>;
  /** Stops the server; nothing of it is left when it resolves. */
  close(): Promise<void>;
};

type Options = {
  /** The service's data directory; made when missing. The caller holds its lock. */
  dataDir: string;
  /** Aborts the creation of a new database. */
  signal?: AbortSignal;
  /** Further settings of the server. */
  settings?: Readonly<Record<string, string>>;
  /** Told, in one line, when the server had to be started again. */
  report: (line: string) => void;
};

/**
 * Settings of every start. Durability keeps the server's own defaults (`fsync`, `full_page_writes` and
 * `synchronous_commit` on): the audit log rests on them. The log never quotes statements or rows.
 */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
} as const;

/** Makes the service's data directory, readable by its owner only; one line when that cannot be. */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
  } catch (error) {
    throw startFailure(`Cannot make the folder ${dataDir}: ${reasonOf(error)}.`, error);
  }
}

/** Not by `recursive`: below /proc, where nothing can be made, Node then tries for ever. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) {
      return;
    }
    if (code !== 'ENOENT' || dirname(path) === path) {
      throw error;
    }
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

/**
 * Starts the PostgreSQL that lives in the data directory, and creates it when there is none. What an
 * earlier, killed start has left behind is cleared first. Rejects with one line for the operator.
 */
export async function startPostgres(options: Options): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const places = placesOf(await realpath(options.dataDir));
  const runAs = chooseRunAs({ data: places.data, program: binaries.postgres });
  const runDir = await makeRunDir(runAs);
  try {
    return await startIn({ ...options, binaries, places, runAs, runDir });
  } catch (error) {
    await rm(runDir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The service's connection string of the Postgres that runs in a data directory, for a second process
 * of the same user. Rejects with one line when none runs there.
 */
export async function findDatabase(dataDir: string): Promise<string> {
  const places = placesOf(await realpath(dataDir).catch(() => dataDir));
  const lock = await readLockFile(places.data);
  if (lock === undefined || !lock.ready) {
    throw startFailure(`No Counterfoil is running in ${dataDir}: start it with \`npm start\`.`);
  }
  return urlsOf(lock.socketDir, await readPasswords(places)).service;
}

async function startIn(
  options: Options & { binaries: Binaries; places: Places; runAs: RunAs; runDir: string },
): Promise<EmbeddedPostgres> {
  const { binaries, places, runAs, runDir, report } = options;
  if (!hasCluster(options.dataDir)) {
    await createCluster(options);
  }
  await checkVersion(places);
  const passwords = await readPasswords(places);
  const urls = urlsOf(runDir, passwords);
  await clearLeftovers(places.data, runDir);
  const settings = { ...SETTINGS, unix_socket_directories: runDir, ...options.settings };
  const server = await startServer({
    binary: binaries.postgres,
    args: ['-D', places.data, ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
    runAs,
    data: places.data,
    runDir,
    log: places.log,
    report,
  });
  return {
    urls,
    pid: server.pid,
    ensureDatabase: () => ensureRoles(urls.admin, passwords),
    grantService: () => grantService(urls.admin),
    close: async () => {
      await server.stop();
      await rm(runDir, { recursive: true, force: true });
    },
  };
}

function urlsOf(socketDir: string, passwords: Passwords) {
  const url = (user: string, password: string, database: string) =>
    `postgres://${user}:${password}@localhost/${database}?host=${encodeURIComponent(socketDir)}`;
  return {
    admin: url(ADMIN, passwords.admin, 'postgres'),
    owner: url(OWNER, passwords.owner, DATABASE),
    service: url(SERVICE, passwords.service, DATABASE),
  };
}
