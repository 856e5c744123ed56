// One embedded Postgres for all of a run, with its default durability, and databases of one schema in it.
import { join } from 'node:path';
import { makeDataDir, startPostgres } from '../../src/adapters/embedded/postgres.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  MIGRATIONS,
  type TestDatabase,
  withClient,
} from '../../test/helpers/database.ts';

export type DatabaseServer = {
  pid: number;
  version: string;
  /** Other than the server's own, as far as speed depends on them. */
  settings: Readonly<Record<string, string>>;
  /** Names that the clients of backends gave themselves, by process id. */
  backends(): Promise<ReadonlyMap<number, string>>;
  /** A migrated database of the caller's own. */
  create(): Promise<TestDatabase>;
  /** Writes to the disk what is not there yet, so that nothing measured later waits for it. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
};

/**
 * What the guide to operation asks for. Within the default of 1 GB of write-ahead log, checkpoints follow each other so
 * closely under this load that commits wait for them for seconds; buffers of 128 MB, sized for the smallest of machines,
 * make a copy of a page from nearly every look at millions of tokens. All other settings are the server's own, those of
 * durability among them, but for room for several instances at once, which costs nothing.
 */
const SETTINGS = { max_wal_size: '8GB', shared_buffers: '4GB' };
const ROOM = { max_connections: '300' };

/** Starts it in a folder. */
export async function startDatabaseServer(folder: string): Promise<DatabaseServer> {
  const dataDir = join(folder, 'postgres');
  await makeDataDir(dataDir);
  const postgres = await startPostgres({
    dataDir,
    settings: { ...SETTINGS, ...ROOM },
    report: (line) => process.stderr.write(`${line}\n`),
  });
  const { admin } = postgres.urls;
  process.env['TEST_DATABASE_URL'] = admin;
  const template = await createEmptyDatabase();
  await migrate({ connectionString: template.ownerUrl, directory: MIGRATIONS });
  process.env['TEST_DATABASE_TEMPLATE'] = new URL(template.ownerUrl).pathname.slice(1);
  const ask = (sql: string) =>
    withClient(admin, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
  const [row] = await ask('show server_version');
  return {
    pid: postgres.pid() ?? 0,
    version: String(row?.['server_version']),
    settings: SETTINGS,
    backends: async () => {
      const rows = await ask(
        `select pid, coalesce(nullif(application_name, ''), backend_type) as name
         from pg_stat_activity where pid <> pg_backend_pid()`,
      );
      return new Map(rows.map(({ pid, name }) => [Number(pid), String(name)]));
    },
    create: createTestDatabase,
    checkpoint: async () => {
      await ask('checkpoint');
    },
    close: postgres.close,
  };
}
