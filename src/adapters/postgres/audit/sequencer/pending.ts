import type { Pool } from 'pg';
import { runStatement, type Session, withSession } from '../../session.ts';
import { PENDING_COLUMNS, type PendingRow, type StoredBatch, toBatch } from '../pending-row.ts';

/** A row of `audit_pending` without its contents. Nothing in it is checked yet. */
export type PendingName = {
  day: string;
  bootId: string;
  firstSeq: number;
  /** How many events it says it has. */
  count: number;
  bytes: number;
  /** Since the database took it. A hint: this column is not under the MAC. */
  ageSeconds: number;
};

/** A writer with rows that are not integrated, in order of their numbers. */
export type PendingWriter = {
  bootId: string;
  /** The first number that is not in the tree. */
  nextSeq: number;
  rows: PendingName[];
};

/** Rows of one writer and day that one look returns at most. */
const MAX_ROWS = 512;

// A skip scan: two index descents for each writer of the day, however many batches it has written. The
// upper bound keeps numbers exact; no writer comes that far. Without a name, so that it is planned for
// the one partition of this day: a plan for any day would open all of them, for each writer.
const SCAN = `
with recursive seen (boot_id) as (
  select (select boot_id from audit_pending where day = $1 order by boot_id limit 1)
  union all
  select (
    select boot_id from audit_pending p
    where p.day = $1 and p.boot_id > seen.boot_id order by boot_id limit 1)
  from seen where seen.boot_id is not null
)
select seen.boot_id, writer.next_seq, batch.first_seq, batch.n, batch.bytes, batch.age
from seen
left join audit_writer writer on writer.boot_id = seen.boot_id
cross join lateral (
  select first_seq, n,
    octet_length(leaves) + octet_length(sealed_who) + octet_length(sealed_what)
      + coalesce(octet_length(terms), 0) as bytes,
    extract(epoch from clock_timestamp() - written_at)::float8 as age
  from audit_pending p
  where p.day = $1 and p.boot_id = seen.boot_id
    and p.first_seq >= coalesce(writer.next_seq, 0) and p.first_seq < 9007199254740000
  order by first_seq
  limit ${MAX_ROWS}
) batch
where seen.boot_id is not null`;

// One index descent for each row: a join could be planned as a scan of whole days.
const READ = `
select batch.*
from unnest($1::date[], $2::bytea[], $3::bigint[]) with ordinality
  as wanted (day, boot_id, first_seq, place)
cross join lateral (
  select ${PENDING_COLUMNS}
  from audit_pending p
  where p.day = wanted.day and p.boot_id = wanted.boot_id and p.first_seq = wanted.first_seq
  limit 1
) batch
order by place`;

const DAYS = `
select substring(relname from '[0-9]{8}$')::date::text as day
from pg_inherits join pg_class on pg_class.oid = inhrelid
where inhparent = 'audit_pending'::regclass and relname ~ '^audit_pending_[0-9]{8}$'`;

type ScanRow = {
  boot_id: Buffer;
  next_seq: string | null;
  first_seq: string;
  n: number;
  bytes: number;
  age: number;
};

/** All days that have a partition, as ISO dates. */
export async function listDays(pool: Pool): Promise<string[]> {
  return (await runStatement<{ day: string }>(pool, { text: DAYS })).map(({ day }) => day);
}

/** Writers that have rows behind what is integrated, on these days. Takes no lock. */
export async function scanPending(pool: Pool, days: readonly string[]): Promise<PendingWriter[]> {
  const writers = new Map<string, PendingWriter>();
  await withSession(pool, async (session) => {
    for (const day of days) {
      for (const row of await session.rows<ScanRow>({ text: SCAN, values: [day] })) {
        addRow(writers, day, row);
      }
    }
  });
  for (const { rows } of writers.values()) {
    rows.sort((a, b) => a.firstSeq - b.firstSeq);
  }
  return [...writers.values()];
}

function addRow(writers: Map<string, PendingWriter>, day: string, row: ScanRow): void {
  const bootId = row.boot_id.toString('base64url');
  // Of two days' looks the earlier one holds; under the lock all are looked at again.
  const writer = writers.get(bootId) ?? { bootId, nextSeq: Number(row.next_seq ?? 0), rows: [] };
  writers.set(bootId, writer);
  writer.rows.push({
    day,
    bootId,
    firstSeq: Number(row.first_seq),
    count: row.n,
    bytes: row.bytes,
    ageSeconds: row.age,
  });
}

/** The rows of these names, in their order; those that are gone are left out. */
export async function readBatches(
  session: Session,
  names: readonly PendingName[],
): Promise<StoredBatch[]> {
  const rows = await session.rows<PendingRow>({
    name: 'audit-read-batches',
    text: READ,
    values: [
      names.map(({ day }) => day),
      names.map(({ bootId }) => Buffer.from(bootId, 'base64url')),
      names.map(({ firstSeq }) => firstSeq),
    ],
  });
  return rows.map(toBatch);
}
