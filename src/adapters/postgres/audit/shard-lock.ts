import { type Edge, makeEdge } from '../../../tlog/edge.ts';
import { HASH_BYTES } from '../../../tlog/hash.ts';
import { openTileWidths } from '../../../tlog/tile.ts';
import type { Session } from '../session.ts';

/** The active shard, locked for the rest of the transaction. */
export type LockedShard = {
  logId: number;
  shard: string;
  origin: string;
  size: number;
  root: Buffer;
  /** The appender at its end; `undefined` when the stored edge does not have the stored root. */
  edge: Edge | undefined;
};

type Row = {
  log_id: number;
  shard: string;
  origin: string;
  size: string;
  root: Buffer;
  edge: Buffer;
};

/** Takes the one lock that lets append. `undefined`: there is no active shard, or another has the lock. */
export async function lockShard(session: Session): Promise<LockedShard | undefined> {
  const [row] = await session.rows<Row>({
    name: 'audit-lock',
    text: 'select log_id, shard, origin, size, root, edge from audit_lock()',
  });
  if (row === undefined) {
    return undefined;
  }
  const { log_id: logId, shard, origin, root } = row;
  const size = Number(row.size);
  return { logId, shard, origin, size, root, edge: resumeEdge({ size, root, edge: row.edge }) };
}

/**
 * The appender from `audit_log.edge`, checked against the root: hashes that somebody changed must not
 * be built upon (AUDIT-LOG §4.11).
 */
function resumeEdge(stored: { size: number; root: Buffer; edge: Buffer }): Edge | undefined {
  let offset = 0;
  const openTiles = openTileWidths(stored.size).map((width) => {
    offset += width * HASH_BYTES;
    return stored.edge.subarray(offset - width * HASH_BYTES, offset);
  });
  if (offset !== stored.edge.length || openTiles.some((tile) => tile.length % HASH_BYTES !== 0)) {
    return undefined;
  }
  const edge = makeEdge({ size: stored.size, openTiles });
  return edge.root().equals(stored.root) ? edge : undefined;
}
