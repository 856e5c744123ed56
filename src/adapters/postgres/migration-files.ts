import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../crypto/digest.ts';
import { VaultError } from '../../domain/errors.ts';

/** One migration of the code. `version` is its number, from 1 without a gap. */
export type Migration = { version: number; name: string; sql: string; sha256: string };

/** One migration of a database, as `schema_migration` has it. */
export type AppliedMigration = { version: number; name: string; sha256: string };

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** Reads `NNNN_name.sql` files. Throws `internal` when a number is missing or doubled. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const version = Number(name.slice(0, 4));
      if (version !== index + 1) {
        throw new VaultError('internal', {
          detail: `migration ${name} should have number ${index + 1}`,
        });
      }
      const sql = await readFile(join(directory, name), 'utf8');
      return { version, name, sql, sha256: sha256Hex(sql) };
    }),
  );
}

/**
 * Refuses a database that went another way than this code: migrated by a newer release, or by a
 * migration whose text has changed since. Returns the migrations that it still lacks.
 */
export function checkHistory(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] {
  const done = new Set<number>();
  for (const { version, name, sha256 } of applied) {
    const known = migrations[version - 1];
    if (known === undefined) {
      throw new VaultError('internal', {
        detail: `the database is newer than this release: it has migration ${name}; use the release that made it`,
      });
    }
    if (known.sha256 !== sha256) {
      throw new VaultError('internal', {
        detail: `migration ${name} was changed after this database ran it; restore the file and add a new migration instead`,
      });
    }
    done.add(version);
  }
  return migrations.filter(({ version }) => !done.has(version));
}
