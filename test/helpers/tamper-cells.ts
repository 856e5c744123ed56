// The cells of the tamper matrix: what is done to a column or a row, and who says so, by which name.
import type { DetectorName } from './tamper-detectors.ts';
import type { LogTable } from './tampered-log.ts';

/** Who says what: `sequencer:altered_head`. The words are those of alarms, log lines and findings. */
export type Saying = `${DetectorName}:${string}`;

/**
 * All of these are said; or nothing is said by anybody, and here is why that is right. `perhaps`: what a look
 * at a sample finds when it hits.
 */
export type Cell =
  | { said: readonly Saying[] }
  | { noEvidence: string; perhaps?: readonly Saying[] };

/** A column: what everyone says when its value is another one. `to` stands instead of the usual changes. */
export type ColumnCell = Cell & { to?: readonly string[] };

/** What can be done to rows, whatever they hold. */
export type RowAttack = 'deleted' | 'forged' | 'doubled' | 'swapped' | 'truncated' | 'rolled back';

/** Statements of the database's owner, and what is said then. */
export type RowCell = Cell & { sql: readonly string[] };

/** All that is tried on one table; columns that are not in it fail the test. */
export type TableMatrix = {
  table: LogTable;
  /** Condition for the row whose columns are changed. */
  row: string;
  columns: { readonly [column: string]: ColumnCell };
  rows: { readonly [attack in RowAttack]: RowCell };
  /** Attacks that need more than one hand, or have more than one outcome. */
  more?: { readonly [attack: string]: RowCell };
};

export const says = (...said: Saying[]): { said: readonly Saying[] } => ({ said });
export const unseen = (noEvidence: string) => ({ noEvidence });

const FLIP = (place: string) => (column: string) =>
  `set_byte(${column}, ${place.replaceAll('$', column)}, get_byte(${column}, ${place.replaceAll('$', column)}) # 1)`;

/** The usual changes to a value, by the type of its column. */
const CHANGES: Record<string, readonly ((column: string) => string)[]> = {
  bytea: [FLIP('0'), FLIP('octet_length($) / 2'), FLIP('octet_length($) - 1')],
  smallint: [(column) => `${column} + 1`, (column) => `${column} - 1`],
  integer: [(column) => `${column} + 1`, (column) => `${column} - 1`],
  bigint: [(column) => `${column} + 1`, (column) => `${column} - 1`],
  date: [(column) => `${column} + 1`, (column) => `${column} - 1`],
  text: [(column) => `${column} || 'x'`, (column) => `overlay(${column} placing '?' from 1)`],
  boolean: [(column) => `not ${column}`],
  'timestamp with time zone': [
    (column) => `${column} + interval '1 day'`,
    (column) => `${column} - interval '1 day'`,
  ],
  ARRAY: [(column) => `${column}[2:]`],
};

/** Expressions for what the column is changed to. */
export function changesOf(column: string, type: string, { to }: ColumnCell): readonly string[] {
  const usual = CHANGES[type];
  if (to === undefined && usual === undefined) {
    throw new Error(`nothing is known to do to a ${type}`);
  }
  return to ?? usual?.map((change) => change(column)) ?? [];
}
