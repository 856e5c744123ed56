import { Client, type Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import {
  type AppliedMigration,
  checkHistory,
  type Migration,
  readMigrations,
} from './migration-files.ts';
import { runStatement } from './session.ts';
import { sqlstateOf, toVaultError } from './sqlstate.ts';

const CREATE_HISTORY = `
create table if not exists schema_migration (
  version int primary key,
  name text not null,
  sha256 text not null,
  applied_at timestamptz not null default now()
)`;

const READ_HISTORY = 'select version, name, sha256 from schema_migration order by version';

const CLAIM = `
insert into schema_migration (version, name, sha256) values ($1, $2, $3)
on conflict (version) do nothing
returning version`;

/** "Already exists", in the ways that two concurrent creations of one table can say it. */
const LOST_CREATION_RACE = new Set(['23505', '42P07', '42710']);

/**
 * Brings the database up to this code, as its owner. Any number of processes may do so at once: each
 * migration is one transaction that first claims its number, so that the others wait for the claim
 * and then find it taken. A crash leaves whole migrations only.
 *
 * @param options.directory of the `NNNN_name.sql` files
 * @returns the names of the migrations that this call applied
 * @throws VaultError with one line of detail for the operator
 */
export async function migrate(options: {
  connectionString: string;
  directory: string;
}): Promise<string[]> {
  const migrations = await readMigrations(options.directory);
  const client = new Client({
    connectionString: options.connectionString,
    application_name: 'counterfoil-migrate',
    connectionTimeoutMillis: 5_000,
  });
  // A connection that is lost between statements is reported by the next one.
  client.on('error', () => {});
  try {
    await client.connect();
    await createHistory(client);
    const applied: string[] = [];
    for (const migration of checkHistory(migrations, await readHistory(client))) {
      if (await applyOnce(client, migration)) {
        applied.push(migration.name);
      }
    }
    // Once more: others, of another release, may have migrated beside us.
    checkHistory(migrations, await readHistory(client));
    return applied;
  } catch (error) {
    throw toVaultError(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Refuses to serve on a schema that is not exactly this code's. Needs no more than the service's
 * rights. Rejects with `internal` and one line of detail, or `store_unavailable`.
 */
export async function checkSchema(options: { pool: Pool; directory: string }): Promise<void> {
  const migrations = await readMigrations(options.directory);
  const applied = await runStatement<AppliedMigration>(options.pool, { text: READ_HISTORY }).catch(
    (error: unknown) => {
      // 42P01: no such table; 42501: the migration that grants it never ran.
      if (/^42(P01|501)$/.test(sqlstateOf(error))) {
        return [];
      }
      throw error;
    },
  );
  const missing = checkHistory(migrations, applied);
  if (missing.length > 0) {
    throw new VaultError('internal', {
      detail: `the database lacks ${missing.length} migrations; run "counterfoil migrate" as its owner first`,
    });
  }
}

async function createHistory(client: Client): Promise<void> {
  try {
    await client.query(CREATE_HISTORY);
  } catch (error) {
    // "if not exists" looks before it creates; whoever loses that race finds the table made.
    if (!LOST_CREATION_RACE.has(sqlstateOf(error))) {
      throw error;
    }
  }
}

async function readHistory(client: Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(READ_HISTORY);
  return rows;
}

/** True when this call applied it, false when another process did. */
async function applyOnce(client: Client, migration: Migration): Promise<boolean> {
  await client.query('begin');
  try {
    const { version, name, sha256 } = migration;
    const claim = await client.query(CLAIM, [version, name, sha256]);
    const ours = claim.rowCount === 1;
    if (ours) {
      await client.query(migration.sql);
    }
    await client.query('commit');
    return ours;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw migrationFailed(migration, error);
  }
}

function migrationFailed(migration: Migration, error: unknown): VaultError {
  const detail = `migration ${migration.name} failed (SQLSTATE ${sqlstateOf(error)}); nothing of it was applied`;
  return new VaultError('internal', { detail, cause: toVaultError(error) });
}
