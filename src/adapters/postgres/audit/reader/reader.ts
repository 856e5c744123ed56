import type { Pool } from 'pg';
import type { AuditReader, StoredEvent } from '../../../../operations/ports/audit-reader.ts';
import { readTwice } from '../../certainty.ts';
import type { Session } from '../../session.ts';
import { findStoredEvent } from './find-event.ts';
import { readBundle, readRange } from './range.ts';
import { searchEvents } from './search.ts';
import { listErasures, listShards, newestCheckpoint } from './shards.ts';
import { readTile } from './tile.ts';

/** Events in memory at once when a range is read. One of a thousand tokens is 90 KB. */
const BLOCK_EVENTS = 256;

/**
 * Reads the log from the tables that the sequencer fills. Every leaf that it gives has been checked
 * against the hashes of the tree; what was stored and is lost, torn or altered is `internal`.
 */
export function makeAuditReader({ pool }: { pool: Pool }): AuditReader {
  const read = <T>(work: (session: Session) => Promise<T>) => readTwice(pool, work);
  return {
    shards: () => read(listShards),
    checkpoint: (logId) => read((session) => newestCheckpoint(session, logId)),
    tile: (logId, tile) => read((session) => readTile(session, logId, tile)),
    bundle: (logId, bundle) => read((session) => readBundle(session, logId, bundle)),
    findEvent: (eventId) => read((session) => findStoredEvent(session, eventId)),
    search: (query) => read((session) => searchEvents(session, query)),
    read: (logId, range) => readBlocks(read, logId, range),
    erasures: (logId) => read((session) => listErasures(session, logId)),
  };
}

/** A connection is held for each block, not between them: a consumer may be slow, or stop. */
async function* readBlocks(
  read: <T>(work: (session: Session) => Promise<T>) => Promise<T>,
  logId: number,
  range: { from: number; to: number },
): AsyncGenerator<StoredEvent[]> {
  const shard = (await read(listShards)).find((each) => each.logId === logId);
  if (shard === undefined) {
    return;
  }
  const end = Math.min(range.to, shard.size);
  for (let from = Math.max(range.from, shard.minIndex); from < end; from += BLOCK_EVENTS) {
    const to = Math.min(from + BLOCK_EVENTS, end);
    yield await read((session) => readRange(session, logId, { from, to }));
  }
}
