import assert from 'node:assert/strict';
import type { Client } from 'pg';
import { facetTerm } from '../../src/crypto/audit-term.ts';
import { withClient } from './database.ts';
import { makePoolWithin } from './pool-within.ts';
import { type Cell, changesOf, type TableMatrix } from './tamper-cells.ts';
import { ask, type DetectorName } from './tamper-detectors.ts';
import { EARLIER, type TamperedLog } from './tampered-log.ts';

/** Who is asked about what is no evidence. Those left out look at the same things again. */
const EVERYONE: readonly DetectorName[] = ['writer', 'reader', 'fsck', 'sequencer', 'publisher'];

/** One thing that somebody does, and what is said about it. */
export type Attempt = { name: string; sql: readonly string[]; cell: Cell };

/** Everything that the matrix tries on a table, once it is sure that no column is left out. */
export async function attemptsOf(log: TamperedLog, matrix: TableMatrix): Promise<Attempt[]> {
  const { table, row, columns, rows, more = {} } = matrix;
  const types = await columnTypes(log, table);
  assert.deepEqual([...types.keys()].sort(), Object.keys(columns).sort(), `columns of ${table}`);
  const ofColumns = Object.entries(columns).flatMap(([column, cell]) =>
    changesOf(column, types.get(column) ?? '', cell).map((to) => ({
      name: `${table}.${column} = ${to}`,
      sql: [`update ${table} set ${column} = ${to} where ${row}`],
      cell,
    })),
  );
  const ofRows = Object.entries({ ...rows, ...more }).map(([attack, cell]) => ({
    name: `${table}: ${attack}`,
    sql: cell.sql,
    cell,
  }));
  return [...ofColumns, ...ofRows];
}

async function columnTypes(
  { database }: TamperedLog,
  table: string,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'public' and table_name = $1`,
      [table],
    ),
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/** Tries it in a transaction that never happened, and gives what is wrong with what was said, if anything. */
export async function tryOut(
  log: TamperedLog,
  client: Client,
  { name, sql, cell }: Attempt,
): Promise<string | undefined> {
  await client.query('begin');
  try {
    await tamper(log, client, sql);
    const pool = makePoolWithin(client);
    const asked = 'said' in cell ? whoOf(cell.said) : EVERYONE;
    const said = new Set<string>();
    for (const who of asked) {
      for (const each of await ask(who, log, pool)) said.add(each);
    }
    const isRight =
      'said' in cell
        ? cell.said.every((each) => each.endsWith(':') || said.has(each))
        : [...said].every((each) => cell.perhaps?.some((one) => one === each));
    return isRight ? undefined : `${name}: ${[...said].join(', ') || 'nothing was said'}`;
  } finally {
    await client.query('rollback');
  }
}

/** As the owner of the database, past all triggers and foreign keys; then as the service again. */
async function tamper(log: TamperedLog, client: Client, sql: readonly string[]): Promise<void> {
  await client.query('set local session_replication_role = replica');
  // As if all had been written a moment ago, and the last signature was a minute ago.
  await client.query('update audit_pending set written_at = clock_timestamp()');
  await client.query(`update audit_turn set taken_at = clock_timestamp() - interval '1 minute'`);
  for (const statement of sql) {
    const { rowCount, command } = await client.query(fillIn(log, statement));
    const isChange = ['INSERT', 'UPDATE', 'DELETE'].includes(command);
    const isBackup = statement.includes(`from ${EARLIER}.`);
    assert.ok(!isChange || isBackup || rowCount !== 0, `nothing was changed by ${statement}`);
  }
  await client.query('set local session_replication_role = origin');
  await client.query('set local role counterfoil_service');
}

function fillIn({ waiting, segment }: TamperedLog, statement: string): string {
  const [first, second] = waiting;
  const bootId = Buffer.from(first?.bootId ?? '', 'base64url').toString('hex');
  return statement
    .replaceAll('$living', `'\\x${bootId}'::bytea`)
    .replaceAll('$second', String(second?.firstSeq))
    .replaceAll('$next', String(first?.firstSeq))
    .replaceAll('$segment', String(segment))
    .replaceAll('$term', `(${facetTerm('op:detokenize')})`);
}

const whoOf = (said: readonly string[]): DetectorName[] => [
  ...new Set(said.map((each) => each.slice(0, each.indexOf(':')) as DetectorName)),
];
