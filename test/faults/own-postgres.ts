import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placesOf, readPasswords } from '../../src/adapters/embedded/cluster.ts';
import { type EmbeddedPostgres, startPostgres } from '../../src/adapters/embedded/postgres.ts';
import { findServers, signalTo } from '../../src/adapters/embedded/process-table.ts';
import { ensureRoles, grantService } from '../../src/adapters/embedded/roles.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { MIGRATIONS } from '../helpers/database.ts';

/** A Postgres of one test file's own, which may be stopped, killed and paused. */
export type OwnPostgres = {
  /** Superuser, owner and service of the database; the same after a restart. */
  adminUrl: string;
  ownerUrl: string;
  serviceUrl: string;
  /** Fast shutdown: every session is ended. */
  stop(): Promise<void>;
  /** Starts it again after `stop`. */
  start(): Promise<void>;
  /** SIGKILL to the postmaster and all its children. Their supervisor starts them again. */
  kill(): void;
  /** SIGSTOP to all of them: connections stay open, and nobody answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
};

/** Starts a migrated Postgres in a temporary folder, on a port of loopback that outlives restarts. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-faults-'));
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port: String(port) };
  const launch = () => startPostgres({ dataDir, settings, report: () => {} });
  const remove = () => rm(dataDir, { recursive: true, force: true });
  let server: EmbeddedPostgres | undefined = await launch().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const places = placesOf(await realpath(dataDir));
  const signalAll = (signal: NodeJS.Signals) => {
    for (const pid of findServers(places.data)) signalTo(pid, signal);
  };
  const stop = async () => {
    await server?.close();
    server = undefined;
  };
  const own = {
    adminUrl: onPort(server.urls.admin, port),
    ownerUrl: onPort(server.urls.owner, port),
    serviceUrl: onPort(server.urls.service, port),
    stop,
    start: async () => {
      server = await launch();
    },
    kill: () => signalAll('SIGKILL'),
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    close: async () => {
      await stop();
      await remove();
    },
  };
  try {
    await ensureRoles(own.adminUrl, await readPasswords(places));
    await migrate({ connectionString: own.ownerUrl, directory: MIGRATIONS });
    await grantService(own.adminUrl);
    return own;
  } catch (error) {
    await own.close();
    throw error;
  }
}

/** The socket lies in a fresh folder at each start; a port stays. */
function onPort(url: string, port: number): string {
  const moved = new URL(url);
  moved.search = '';
  moved.hostname = '127.0.0.1';
  moved.port = String(port);
  return moved.href;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
