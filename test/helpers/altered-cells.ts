import type { Client } from 'pg';
import { withClient } from './database.ts';

/** One change to every row of a table, as the expressions that each column then has. */
export type Alteration = { name: string; values: (column: string) => string; keep?: string };

type Column = { name: string; type: string };

const COLUMNS = `
select column_name as name, data_type as type from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'
order by ordinal_position`;

/** What a cell is changed to, by the type of its column; `c` is the cell. */
const CHANGES: Record<string, readonly string[]> = {
  bytea: [
    'set_byte(c, 0, get_byte(c, 0) # 1)',
    'set_byte(c, octet_length(c) / 2, get_byte(c, octet_length(c) / 2) # 1)',
    'set_byte(c, octet_length(c) - 1, get_byte(c, octet_length(c) - 1) # 1)',
  ],
  smallint: ['c + 1', 'c - 1', '0'],
  integer: ['c + 1', 'c - 1', '0'],
  bigint: ['c + 1', 'c - 1', '0'],
  text: [`c || 'x'`, `overlay(c placing '0' from 1)`],
  'timestamp with time zone': [`c + interval '1 year'`, `c - interval '1 year'`],
};

/** Every row beside the next one of the same table, and the last beside the first. */
const NEIGHBOURS = `
select k.*, row_number() over (order by ctid) as place, count(*) over () as places from kept k`;

/**
 * Everything that can be done to the cells of a table, one column at a time in all rows: changed, emptied, or
 * exchanged with the next row's; and rows deleted, all of them or every second one.
 */
export async function alterationsOf(client: Client, table: string): Promise<Alteration[]> {
  const { rows: columns } = await client.query<Column>(COLUMNS, [table]);
  if (columns.length === 0) throw new Error(`there is no table ${table}`);
  const only = (column: string, expression: string) => (name: string) =>
    name === column ? expression : `a.${name}`;
  const changes = columns.flatMap(({ name, type }) => {
    const known = CHANGES[type];
    if (known === undefined) throw new Error(`no changes for the type ${type}`);
    const cell = `a.${name}`;
    return [...known.map((change) => change.replaceAll(/\bc\b/g, cell)), 'null', `b.${name}`].map(
      (expression) => ({
        name: `${table}.${name} := ${expression}`,
        values: only(name, expression),
      }),
    );
  });
  const same = (name: string) => `a.${name}`;
  return [
    ...changes,
    { name: `${table}: no rows`, values: same, keep: 'false' },
    { name: `${table}: every second row`, values: same, keep: 'a.place % 2 = 0' },
  ];
}

/**
 * Alters a table as its owner can, without triggers and foreign keys, runs `work`, and puts back what was
 * there. False when the table's own rules (types, uniqueness, checks) do not let the alteration be.
 */
export async function whileAltered(
  ownerUrl: string,
  { table, alteration }: { table: string; alteration: Alteration },
  work: () => Promise<void>,
): Promise<boolean> {
  return withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<Column>(COLUMNS, [table]);
    const names = rows.map(({ name }) => name);
    const list = names.join(', ');
    await client.query(`create temp table kept as select ${list} from ${table}`);
    await client.query('set session_replication_role = replica');
    const write = (source: string) =>
      client.query(`begin; delete from ${table};
        insert into ${table} (${list}) overriding system value ${source}; commit`);
    try {
      await write(`select ${names.map(alteration.values).join(', ')}
        from (${NEIGHBOURS}) a join (${NEIGHBOURS}) b on b.place = a.place % a.places + 1
        where ${alteration.keep ?? 'true'}`);
    } catch {
      await client.query('rollback');
      return false;
    }
    try {
      await work();
    } finally {
      await write(`select ${list} from kept`);
    }
    return true;
  });
}
