import { withClient } from './database.ts';

/**
 * Runs statements from beside a database, in which `LIVE` stands for its name, while nobody is connected to
 * it. Whoever was has to connect anew.
 */
export async function whileEmpty(ownerUrl: string, ...statements: string[]): Promise<void> {
  const url = new URL(ownerUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  await withClient(url.href, async (admin) => {
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = '${name}'`);
    for (const statement of statements) await admin.query(statement.replaceAll('LIVE', name));
    await admin.query(`alter database ${name} allow_connections true`);
  });
}

/** Keeps the database as it is now, as a backup does. */
export const backUp = (ownerUrl: string) =>
  whileEmpty(ownerUrl, 'create database LIVE_kept template LIVE');

/** Puts the database back to what `backUp` has kept, under whoever uses it; the backup is used up. */
export const restore = (ownerUrl: string) =>
  whileEmpty(
    ownerUrl,
    'alter database LIVE rename to LIVE_lost',
    'alter database LIVE_kept rename to LIVE',
    'drop database LIVE_lost',
  );
