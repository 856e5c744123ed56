import type { Pool } from 'pg';
import type { Clock } from '../../../../operations/ports/clock.ts';
import { runStatement } from '../../session.ts';

const POLL_MS = 100;

// The last batch of each writer tells of all before it, and the primary key finds it without a scan.
const WRITTEN = `
with recursive writer (day, boot_id) as (
  select day::date,
    (select boot_id from audit_pending as first where first.day = days.day::date order by boot_id limit 1)
  from generate_series(
    (clock_timestamp() at time zone 'UTC')::date - 7, (clock_timestamp() at time zone 'UTC')::date + 1,
    interval '1 day') as days (day)
  union all
  select writer.day,
    (select next.boot_id from audit_pending as next
     where next.day = writer.day and next.boot_id > writer.boot_id order by next.boot_id limit 1)
  from writer where writer.boot_id is not null
)
select writer.boot_id, max(last.next_seq) as next_seq
from writer
cross join lateral (
  select first_seq + n as next_seq from audit_pending as batch
  where batch.day = writer.day and batch.boot_id = writer.boot_id
  order by first_seq desc limit 1) as last
group by writer.boot_id`;

const BEHIND = `
select exists (
  select from unnest($1::bytea[], $2::bigint[]) as written (boot_id, next_seq)
  left join audit_writer as taken on taken.boot_id = written.boot_id
  where written.next_seq > coalesce(taken.next_seq, 0)) as behind`;

/**
 * Waits until all that was durable at the time of the call has its place in the tree; running services put
 * it there. False when that did not happen within `withinMs`. Rejects with `store_unavailable`.
 */
export async function untilIntegrated(
  { pool, clock }: { pool: Pool; clock: Clock },
  withinMs: number,
): Promise<boolean> {
  const giveUpAtMs = clock.monotonic() + withinMs;
  const written = await runStatement<{ boot_id: Buffer; next_seq: string }>(pool, {
    text: WRITTEN,
  });
  const values = [written.map((row) => row.boot_id), written.map((row) => row.next_seq)];
  for (;;) {
    const [row] = await runStatement<{ behind: boolean }>(pool, { text: BEHIND, values });
    if (row?.behind === false) return true;
    if (clock.monotonic() >= giveUpAtMs) return false;
    await clock.sleep(POLL_MS);
  }
}
