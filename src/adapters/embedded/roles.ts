import { Client } from 'pg';
import type { Passwords } from './cluster.ts';

export const DATABASE = 'counterfoil';
export const ADMIN = 'postgres';
export const OWNER = 'counterfoil_owner';
export const SERVICE = 'counterfoil_app';

/**
 * Makes the roles and the database that are missing. The owner may create roles, because the first
 * migration makes the group role of the service; it is no superuser. Each statement commits alone: a
 * crash between two is mended by the next start.
 *
 * @param url the database `postgres`, as superuser
 */
export async function ensureRoles(url: string, passwords: Passwords): Promise<void> {
  await withClient(url, async (client) => {
    const literal = (text: string) => client.escapeLiteral(text);
    const roles = await namesOf(client, 'select rolname as name from pg_roles');
    if (!roles.has(OWNER)) {
      await client.query(
        `create role ${OWNER} login createrole password ${literal(passwords.owner)}`,
      );
    }
    if (!roles.has(SERVICE)) {
      await client.query(`create role ${SERVICE} login password ${literal(passwords.service)}`);
    }
    const databases = await namesOf(client, 'select datname as name from pg_database');
    if (!databases.has(DATABASE)) {
      await client.query(`create database ${DATABASE} owner ${OWNER}`);
    }
  });
}

/** Makes the login role a member of the group role that the migrations have granted everything to. */
export async function grantService(url: string): Promise<void> {
  await withClient(url, (client) => client.query(`grant counterfoil_service to ${SERVICE}`));
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that is lost between statements is reported by the next one.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function namesOf(client: Client, sql: string): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(sql);
  return new Set(rows.map(({ name }) => name));
}
