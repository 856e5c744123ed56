import type { Pool } from 'pg';
import { runStatement } from '../session.ts';

const NEWEST = 100;
const STEPS = 900;

// An index look-up for each: there is a checkpoint a second, and a table of them may be long.
const SAMPLE = `
(select size, note from audit_checkpoint where log_id = $1 order by size desc limit $2)
union
select sample.size, sample.note
from generate_series(0, $3::bigint - 1) as step
cross join lateral (
  select size, note from audit_checkpoint
  where log_id = $1 and size >= step * (select max(size) from audit_checkpoint where log_id = $1) / $3
  order by size limit 1
) sample
order by size`;

/** Published checkpoints of a shard, the oldest first: its newest ones, and some all over its life. */
export async function sampleCheckpoints(pool: Pool, logId: number): Promise<string[]> {
  const rows = await runStatement<{ note: string }>(pool, {
    text: SAMPLE,
    values: [logId, NEWEST, STEPS],
  });
  return rows.map(({ note }) => note);
}
