import type { PendingBatch } from '../../../crypto/batch-mac.ts';

/** A batch as it lies in `audit_pending`. Nothing in it is checked yet. */
export type StoredBatch = PendingBatch & {
  leaves: Buffer;
  who: Buffer;
  what: Buffer;
  terms: Buffer | undefined;
  mac: Buffer;
};

/** What a statement selects to give `PendingRow`. */
export const PENDING_COLUMNS =
  'day::text, boot_id, first_seq, log_id, n, leaves, sealed_who, sealed_what, terms, mac';

export type PendingRow = {
  day: string;
  boot_id: Buffer;
  first_seq: string;
  log_id: number;
  n: number;
  leaves: Buffer;
  sealed_who: Buffer;
  sealed_what: Buffer;
  terms: Buffer | null;
  mac: Buffer;
};

/** The batch of a row. */
export function toBatch(row: PendingRow): StoredBatch {
  return {
    day: row.day,
    bootId: row.boot_id.toString('base64url'),
    firstSeq: BigInt(row.first_seq),
    logId: row.log_id,
    count: row.n,
    leaves: row.leaves,
    who: row.sealed_who,
    what: row.sealed_what,
    terms: row.terms ?? undefined,
    mac: row.mac,
  };
}
