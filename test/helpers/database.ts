import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../src/adapters/postgres/migrate.ts';

export const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');

/** The login role of services in tests. Its password guards nothing but throw-away clusters. */
const SERVICE = { role: 'counterfoil_app', password: 'for-tests-only' };

/** Any number; all preparers of one cluster lock the same one. */
const PREPARE_LOCK = 4_206_001;

export type TestDatabase = {
  /** Connects as the owner of everything, who is a superuser. */
  ownerUrl: string;
  /** Connects as a service does: member of counterfoil_service, no other right. */
  serviceUrl: string;
  drop(): Promise<void>;
};

/** Runs `work` on a connection of its own. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes the roles that tests need, once per cluster; safe to repeat and in any race. */
export async function prepareCluster(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [PREPARE_LOCK]);
    await client.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'counterfoil_service') then
          create role counterfoil_service nologin;
        end if;
        if not exists (select from pg_roles where rolname = '${SERVICE.role}') then
          create role ${SERVICE.role} login password '${SERVICE.password}' in role counterfoil_service;
        end if;
      end $$`);
  });
}

/** An empty database, without migrations. Needs `TEST_DATABASE_URL`, a superuser's connection. */
export async function createEmptyDatabase(template = 'template1'): Promise<TestDatabase> {
  const adminUrl = process.env['TEST_DATABASE_URL'];
  if (adminUrl === undefined) {
    throw new Error('TEST_DATABASE_URL is not set: run tests with "npm test"');
  }
  await prepareCluster(adminUrl);
  const name = `cf_test_${randomBytes(8).toString('hex')}`;
  await withClient(adminUrl, (client) =>
    client.query(`create database ${name} template ${template}`),
  );
  const owner = new URL(adminUrl);
  owner.pathname = `/${name}`;
  const service = new URL(owner);
  service.username = SERVICE.role;
  service.password = SERVICE.password;
  return {
    ownerUrl: owner.href,
    serviceUrl: service.href,
    drop: async () => {
      await withClient(adminUrl, (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

/**
 * A migrated database of the caller's own: a clone of `TEST_DATABASE_TEMPLATE` when there is one, else
 * migrated here.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = process.env['TEST_DATABASE_TEMPLATE'];
  const database = await createEmptyDatabase(template);
  if (template === undefined) {
    await migrate({ connectionString: database.ownerUrl, directory: MIGRATIONS });
  }
  return database;
}
