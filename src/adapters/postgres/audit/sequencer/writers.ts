import type { Pool } from 'pg';
import { runStatement, type Session } from '../../session.ts';

/** An open writer of which nothing came for a long time. */
export type SilentWriter = { bootId: string; nextSeq: number; day: string };

/** A writer as the tree knows it. */
export type WriterState = { nextSeq: number; closed: boolean };

/** Writers that one look returns at most; the others have their turn at the next. */
const MAX_SILENT = 100;

/** Where each of these writers stands now; those that the tree does not know are absent. */
export async function readWriters(
  session: Session,
  bootIds: readonly string[],
): Promise<ReadonlyMap<string, WriterState>> {
  const rows = await session.rows<{ boot_id: Buffer; next_seq: string; closed: boolean }>({
    name: 'audit-writers',
    text: 'select boot_id, next_seq, closed from audit_writer where boot_id = any($1)',
    values: [bootIds.map((bootId) => Buffer.from(bootId, 'base64url'))],
  });
  return new Map(
    rows.map(({ boot_id: bootId, next_seq: nextSeq, closed }) => [
      bootId.toString('base64url'),
      { nextSeq: Number(nextSeq), closed },
    ]),
  );
}

/** Open writers whose last batch was integrated at least `silentMs` ago, by the database's clock. */
export async function findSilentWriters(pool: Pool, silentMs: number): Promise<SilentWriter[]> {
  const rows = await runStatement<{ boot_id: Buffer; next_seq: string; day: string }>(pool, {
    name: 'audit-silent-writers',
    text: `select boot_id, next_seq, last_day::text as day from audit_writer
      where not closed and last_seen < clock_timestamp() - $1 * interval '1 millisecond'
      order by last_seen limit ${MAX_SILENT}`,
    values: [silentMs],
  });
  return rows.map((row) => ({
    bootId: row.boot_id.toString('base64url'),
    nextSeq: Number(row.next_seq),
    day: row.day,
  }));
}
