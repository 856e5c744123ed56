import type { Pool } from 'pg';
import { inTransaction, runStatement, type Session, type Statement } from '../../session.ts';

/** A shard that may have something to sign. */
export type ShardRef = { logId: number; origin: string };

/** What the database says of a shard, all of one moment. Whether it is true is checked before it is signed. */
export type ShardState = ShardRef & {
  shard: string;
  isActive: boolean;
  size: number;
  root: Buffer;
  /** The open tiles, level 0 first. */
  edge: Buffer;
  /** The newest published checkpoint. */
  published?: PublishedState;
};

/** A checkpoint that everyone can read already. */
export type PublishedState = { size: number; root: Buffer; note: string; atMs: number };

export type ShardOverview = {
  /** The active shard, and frozen ones whose last leaves are under no checkpoint yet. */
  open: ShardRef[];
  /** How many shards were given up: frozen without a last leaf, for they contradict what was signed. */
  givenUp: number;
};

// A shard that ended well has `log.freeze` as its last leaf. One that is pruned as a whole did, too.
const SHARDS = `
select l.log_id, l.origin, l.state = 'active' or (c.size is distinct from l.size and t.well) as open,
  l.state = 'frozen' and not t.well as given_up
from audit_log l
cross join lateral (select coalesce((
  select s.facets @> array['op:log.freeze'] from audit_segment s
  where s.log_id = l.log_id order by s.first_index desc limit 1), true) as well) t
left join lateral (select max(size) as size from audit_checkpoint where log_id = l.log_id) c on true
order by l.log_id`;

const STATE = `
select l.log_id, l.origin, l.shard, l.state, l.size, l.root, l.edge, c.size as published_size,
  c.root as published_root, c.note, extract(epoch from c.published_at)::float8 as published_s
from audit_log l
left join lateral (
  select size, root, note, published_at from audit_checkpoint
  where log_id = l.log_id order by size desc limit 1) c on true
where l.log_id = $1`;

type StateRow = {
  log_id: number;
  origin: string;
  shard: string;
  state: string;
  size: string;
  root: Buffer;
  edge: Buffer;
  published_size: string | null;
  published_root: Buffer | null;
  note: string | null;
  published_s: number | null;
};

/** Which shards there are to look after. Rejects with `store_unavailable`, as all of these do. */
export async function readShards(pool: Pool): Promise<ShardOverview> {
  const rows = await runStatement<{
    log_id: number;
    origin: string;
    open: boolean;
    given_up: boolean;
  }>(pool, { name: 'audit-publisher-shards', text: SHARDS });
  return {
    open: rows.filter((row) => row.open).map(({ log_id, origin }) => ({ logId: log_id, origin })),
    givenUp: rows.filter((row) => row.given_up).length,
  };
}

/** The shard as it is committed now; `undefined` if it vanished. */
export async function readShard(pool: Pool, logId: number): Promise<ShardState | undefined> {
  const [row] = await runStatement<StateRow>(pool, stateOf(logId));
  return row && toState(row);
}

/**
 * The same, if it is this caller's turn to sign; else `undefined`. Taking the turn is a write, so that
 * its commit makes all that was seen as durable as itself, on the standby as well: what is signed then
 * cannot be lost by a crash or a fail-over.
 */
export function takeTurn(pool: Pool, logId: number): Promise<ShardState | undefined> {
  return inTransaction(pool, async (session) => {
    const [turn] = await session.rows<{ taken: boolean }>({
      text: 'select audit_take_turn($1) as taken',
      values: [logId],
    });
    return turn?.taken === true ? await readState(session, logId) : undefined;
  });
}

/** Publishes a signed checkpoint. False: one of this or a greater size is published already. */
export async function publish(
  pool: Pool,
  checkpoint: { logId: number; size: number; root: Buffer; note: string },
): Promise<boolean> {
  const { logId, size, root, note } = checkpoint;
  const [row] = await runStatement<{ published: boolean }>(pool, {
    text: 'select audit_publish($1, $2, $3, $4) as published',
    values: [logId, size, root, note],
  });
  return row?.published === true;
}

/** The hashes of a full tile; empty when the database has none. */
export async function readTile(
  pool: Pool,
  { logId, level, index }: { logId: number; level: number; index: number },
): Promise<Buffer> {
  const [row] = await runStatement<{ hashes: Buffer }>(pool, {
    name: 'audit-publisher-tile',
    text: 'select hashes from audit_tile where log_id = $1 and level = $2 and n = $3',
    values: [logId, level, index],
  });
  return row?.hashes ?? Buffer.alloc(0);
}

const stateOf = (logId: number): Statement => ({
  name: 'audit-publisher-state',
  text: STATE,
  values: [logId],
});

async function readState(session: Session, logId: number): Promise<ShardState | undefined> {
  const [row] = await session.rows<StateRow>(stateOf(logId));
  return row && toState(row);
}

function toState(row: StateRow): ShardState {
  const { published_size: size, published_root: root, note, published_s: seconds } = row;
  return {
    logId: row.log_id,
    origin: row.origin,
    shard: row.shard,
    isActive: row.state === 'active',
    size: Number(row.size),
    root: row.root,
    edge: row.edge,
    ...(size === null || root === null || note === null
      ? {}
      : { published: { size: Number(size), root, note, atMs: (seconds ?? 0) * 1_000 } }),
  };
}
