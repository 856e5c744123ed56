import type { DumpTable } from '../ports/vault-dump.ts';

/** Names the format in the first line of an export. */
export const EXPORT_FORMAT = 'counterfoil/vault-export/v1';

/**
 * The first line. Behind it come a line for each key (`KeyTransfer.give`), one for each row (its table, and
 * the row by column), and the last line.
 */
export type ExportHeader = {
  format: typeof EXPORT_FORMAT;
  vault: string;
  /** The number that the vault's data is bound to. */
  sealId: number;
  /** Number of the newest migration: an export fits a database with the same columns only. */
  schemaVersion: number;
  policy: { document: string; hash: string };
  fields: { id: number; name: string }[];
  /** RFC 3339. */
  exportedAt: string;
};

/** Lines of each kind between the first line and the last. */
export type ExportCounts = Record<'key' | DumpTable, number>;

/** The last line: without it a file is cut off. `sha256` is of all lines before it, in lower-case hex. */
export type ExportEnd = { end: true; counts: ExportCounts; sha256: string };

/** Counts before there is anything. */
export function noCounts(): ExportCounts {
  return {
    key: 0,
    subject: 0,
    token: 0,
    token_subject: 0,
    token_tag: 0,
    tombstone: 0,
    revocation: 0,
    erasure: 0,
  };
}
