import type {
  Erasure,
  PublishedCheckpoint,
  Shard,
} from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import { damaged, type Int8 } from './rows.ts';

type ShardRow = {
  log_id: number;
  shard: string;
  origin: string;
  state: Shard['state'];
  size: Int8;
  min_index: Int8;
};

const SHARDS = `
select log_id, shard, origin, state, size, min_index from audit_log order by log_id desc`;

const CHECKPOINT = `
select size, note, published_at from audit_checkpoint where log_id = $1 order by size desc limit 1`;

const ERASURES = `
select event_id, label, indexes from audit_erasure where log_id = $1 order by erased_at, event_id, label`;

const INDEX_BYTES = 8;

/** All shards, newest first. */
export async function listShards(session: Session): Promise<Shard[]> {
  const rows = await session.rows<ShardRow>({ name: 'audit-shards', text: SHARDS });
  return rows.map(({ log_id, shard, origin, state, size, min_index }) => ({
    logId: log_id,
    shard,
    origin,
    state,
    size: Number(size),
    minIndex: Number(min_index),
  }));
}

/** The published checkpoint of the greatest size. */
export async function newestCheckpoint(
  session: Session,
  logId: number,
): Promise<PublishedCheckpoint | undefined> {
  const [row] = await session.rows<{ size: Int8; note: string; published_at: Date }>({
    name: 'audit-checkpoint',
    text: CHECKPOINT,
    values: [logId],
  });
  return row && { size: Number(row.size), note: row.note, publishedAt: row.published_at };
}

/** What was erased of a shard, oldest first. Rejects with `internal` when a list of indexes is torn. */
export async function listErasures(session: Session, logId: number): Promise<Erasure[]> {
  const rows = await session.rows<{ event_id: Buffer; label: Erasure['label']; indexes: Buffer }>({
    text: ERASURES,
    values: [logId],
  });
  return rows.map(({ event_id, label, indexes }) => ({
    eventId: event_id.toString('base64url'),
    logId,
    label,
    indexes: decodeIndexes(indexes),
  }));
}

function decodeIndexes(bytes: Buffer): number[] {
  if (bytes.length % INDEX_BYTES !== 0) {
    throw damaged('a list of erased entries is torn');
  }
  return Array.from({ length: bytes.length / INDEX_BYTES }, (_, place) =>
    Number(bytes.readBigUInt64BE(place * INDEX_BYTES)),
  );
}
