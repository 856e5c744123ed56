import { migrate } from '../adapters/postgres/migrate.ts';
import type { Config } from '../config/load-config.ts';
import { MIGRATIONS } from './database.ts';

/** `counterfoil migrate`: brings the database up to this release. Gives back what was applied. */
export function runMigrations(config: Config): Promise<string[]> {
  const url = config.migrateUrl ?? config.databaseUrl;
  return migrate({ connectionString: url?.reveal() ?? '', directory: MIGRATIONS });
}
