import type { Pool } from 'pg';
import type { WrappedKey } from '../../crypto/wrapped-key.ts';
import type { DumpTable } from '../../operations/ports/vault-dump.ts';
import type { PolicyVersion } from './policies.ts';
import { inTransaction, type Session } from './session.ts';
import { DUMPED_COLUMNS } from './vault-dump-tables.ts';
import type { FieldRow } from './vaults.ts';

/** For one statement, and between two of them, in milliseconds: requests wait for none of this. */
const SETTINGS = [
  'set local statement_timeout = 60000',
  'set local idle_in_transaction_session_timeout = 60000',
];
const QUERY_MS = 61_000;

const CREATE_VAULT = `
insert into vault (name, seal_id) values ($1, $2)
on conflict (name) do nothing
returning id`;

const ADD_KEY = `
insert into key_version (vault_id, purpose, version, state, wrapped, mac)
values ($1, $2, $3, $4, $5, $6)`;

const ADD_FIELD = 'insert into field (vault_id, id, name, mac) values ($1, $2, $3, $4)';

const ADD_POLICY = `
insert into policy_version (vault_id, version, document, hash, mac)
values ($1, $2, $3, $4, $5)`;

/** A vault that is being put in place; nobody sees it before the work is done. */
export type VaultInMaking = {
  addKey(key: WrappedKey): Promise<void>;
  addField(field: FieldRow): Promise<void>;
  addPolicy(policy: Omit<PolicyVersion, 'vaultId' | 'appliedAt'>): Promise<void>;
  /** Rows as a dump has them, by column. */
  addRows(table: DumpTable, rows: readonly object[]): Promise<void>;
};

/**
 * Puts a vault in place, all of it or nothing: what `work` adds is committed when it resolves. Resolves to
 * `undefined`, without `work`, when there is a vault of that name.
 */
export function restoreVault<T>(
  pool: Pool,
  vault: { name: string; sealId: number },
  work: (vaultId: number, making: VaultInMaking) => Promise<T>,
): Promise<T | undefined> {
  return inTransaction(pool, async (session) => {
    for (const text of SETTINGS) await session.rows({ text });
    const values = [vault.name, vault.sealId];
    const [made] = await session.rows<{ id: number }>({ text: CREATE_VAULT, values });
    if (made === undefined) return undefined;
    const result = await work(made.id, makeMaking(session, made.id));
    // Persons who come later must not be given the number of one who came along.
    await session.rows({ text: 'select subject_pass_ids($1)', values: [made.id] });
    return result;
  });
}

function makeMaking(session: Session, vaultId: number): VaultInMaking {
  const run = async (text: string, values: unknown[]) => {
    await session.rows({ text, values: [vaultId, ...values], query_timeout: QUERY_MS });
  };
  return {
    addKey: ({ purpose, version, state, wrapped, mac }) =>
      run(ADD_KEY, [purpose, version, state, wrapped, mac]),
    addField: ({ id, name, mac }) => run(ADD_FIELD, [id, name, mac]),
    addPolicy: ({ version, document, hash, mac }) =>
      run(ADD_POLICY, [version, document, hash, mac]),
    addRows: (table, rows) => run(insertRows(table), [JSON.stringify(rows)]),
  };
}

function insertRows(table: DumpTable): string {
  const columns = Object.entries(DUMPED_COLUMNS[table]);
  const names = columns.map(([name]) => name).join(', ');
  const types = columns.map(([name, type]) => `${name} ${type}`).join(', ');
  // Sealed values are bound to the number of their subject: it is kept.
  return `
insert into ${table} (vault_id, ${names}) overriding system value
select $1::int, ${names} from json_to_recordset($2::json) as r (${types})`;
}
