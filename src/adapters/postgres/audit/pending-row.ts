import type { PendingBatch } from '../../../crypto/batch-mac.ts';

/** A batch as it lies in `audit_pending`. Nothing in it is checked yet. */
export type StoredBatch = PendingBatch & {
  leaves: Buffer;
  who: Buffer;
  what: Buffer;
  terms: Buffer | undefined;
  mac: Buffer;
};

/**
 * What a statement selects to give `PendingRow`. Bytes would come in hexadecimal digits, half as long again as
 * base64 and slower to read: about 1 µs of the sequencer's thread an event.
 */
export const PENDING_COLUMNS = `day::text, boot_id, first_seq, log_id, n,
  encode(leaves, 'base64') as leaves, encode(sealed_who, 'base64') as sealed_who,
  encode(sealed_what, 'base64') as sealed_what, encode(terms, 'base64') as terms, mac`;

export type PendingRow = {
  day: string;
  boot_id: Buffer;
  first_seq: string;
  log_id: number;
  n: number;
  leaves: string;
  sealed_who: string;
  sealed_what: string;
  terms: string | null;
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
    leaves: decode(row.leaves),
    who: decode(row.sealed_who),
    what: decode(row.sealed_what),
    terms: row.terms === null ? undefined : decode(row.terms),
    mac: row.mac,
  };
}

const decode = (base64: string): Buffer => Buffer.from(base64, 'base64');
