import type { Pool } from 'pg';
import { runStatement } from '../../session.ts';

/** A shard as it stands: how many events it has, and how many its newest checkpoint covers. */
export type Head = { shard: number; isActive: boolean; size: number; published: number };

const HEADS = `
select log_id as shard, state = 'active' as "isActive", size::float8 as size,
  coalesce((select max(c.size) from audit_checkpoint c where c.log_id = l.log_id), 0)::float8
    as published
from audit_log l`;

/** All shards, at one moment. There is one a year, and one more after each time that a log was frozen. */
export function readHeads(pool: Pool): Promise<Head[]> {
  return runStatement<Head>(pool, { name: 'audit-heads', text: HEADS });
}
