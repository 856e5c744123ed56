import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import {
  DUMP_TABLES,
  type DumpTable,
  type VaultDump,
  type VaultSnapshot,
} from '../../operations/ports/vault-dump.ts';
import { inTransaction, type Session } from './session.ts';
import { DUMPED_COLUMNS } from './vault-dump-tables.ts';

/** Each holds a connection, and keeps Postgres from cleaning up, for as long as its reader takes. */
const MAX_DUMPS = 2;
const PAGE_ROWS = 500;
/** For one page, in milliseconds: rows of one vault may lie far apart. */
const STATEMENT_MS = 60_000;

// The reader may be slow, but not dead: it holds a snapshot that keeps dead rows from being vacuumed.
const SETTINGS = [
  'set transaction isolation level repeatable read, read only',
  `set local statement_timeout = ${STATEMENT_MS}`,
  'set local idle_in_transaction_session_timeout = 60000',
];

const VAULT = `
select coalesce(v.seal_id, v.id) as seal_id, p.document,
  (select max(version) from schema_migration) as schema_version
from vault v join policy_version p on p.vault_id = v.id
where v.id = $1 and p.hash = $2`;

const NEXT_PAGE = `fetch ${PAGE_ROWS} from dump`;

/** Dumps of vaults from Postgres: one snapshot, through a cursor, in constant memory. */
export function makeVaultDump({ pool }: { pool: Pool }): VaultDump {
  let running = 0;
  return {
    read: async ({ vaultId, policyHash }, work) => {
      if (running >= MAX_DUMPS) throw new VaultError('overloaded');
      running += 1;
      try {
        return await inTransaction(pool, async (session) => {
          for (const text of SETTINGS) await session.rows({ text });
          const pages = pagesOf(session, vaultId);
          return work({ ...(await readVault(session, [vaultId, policyHash])), pages });
        });
      } finally {
        running -= 1;
      }
    },
  };
}

async function readVault(session: Session, values: unknown[]) {
  type Row = { seal_id: number; document: string; schema_version: number };
  const [row] = await session.rows<Row>({ text: VAULT, values });
  if (row === undefined) {
    throw new VaultError('internal', { detail: 'the policy in force is not in the database' });
  }
  return { sealId: row.seal_id, document: row.document, schemaVersion: row.schema_version };
}

async function* pagesOf(session: Session, vaultId: number): VaultSnapshot['pages'] {
  const query_timeout = STATEMENT_MS + 1_000;
  for (const table of DUMP_TABLES) {
    await session.rows({ text: declareCursor(table), values: [vaultId] });
    for (;;) {
      const page = await session.rows<{ row: string }>({ text: NEXT_PAGE, query_timeout });
      if (page.length > 0) yield { table, rows: page.map(({ row }) => row) };
      if (page.length < PAGE_ROWS) break;
    }
    await session.rows({ text: 'close dump' });
  }
}

/** Without an order, so that nothing is sorted. Numbers beyond 2^53 as text: JSON has none. */
function declareCursor(table: DumpTable): string {
  const columns = Object.entries(DUMPED_COLUMNS[table]).map(([name, type]) =>
    type === 'bigint' ? `${name}::text` : name,
  );
  return `
declare dump no scroll cursor for
select json_strip_nulls(row_to_json(r))::text as row
from (select ${columns.join(', ')} from ${table} where vault_id = $1) r`;
}
