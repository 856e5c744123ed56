import { HASH_BYTES } from '../../../../tlog/hash.ts';
import { hashesAtLevel, openTileWidths, type TileId, tileWidth } from '../../../../tlog/tile.ts';
import type { Session } from '../../session.ts';
import { damaged, type Int8 } from './rows.ts';

type TileRow = { published: Int8; size: Int8; full: Buffer | null; edge: Buffer | null };

// One statement, so that a tile that fills up meanwhile is found in one of its two places.
const TILE = `
select published.size as published, log.size, substring(tile.hashes for 32 * $4::int) as full,
  case when tile.hashes is null then log.edge end as edge
from audit_log log
cross join lateral (
  select size from audit_checkpoint where log_id = log.log_id order by size desc limit 1
) published
left join audit_tile tile on tile.log_id = log.log_id and tile.level = $2 and tile.n = $3
where log.log_id = $1`;

/**
 * The first `width` hashes of a tile, when the newest published tree has as many (tlog-tiles: a partial
 * tile is a prefix of every wider one). Rejects with `internal` when a tile is lost.
 */
export async function readTile(
  session: Session,
  logId: number,
  { level, index, width }: TileId,
): Promise<Buffer | undefined> {
  const [row] = await session.rows<TileRow>({
    name: 'audit-tile',
    text: TILE,
    values: [logId, level, index, width],
  });
  if (row === undefined || tileWidth({ level, index, size: Number(row.published) }) < width) {
    return undefined;
  }
  const hashes = row.full ?? cutOpenTile(row, { level, index, width });
  if (hashes?.length !== width * HASH_BYTES) {
    throw damaged('a tile is lost');
  }
  return hashes;
}

/** The open tiles lie one behind the other, level 0 first. */
function cutOpenTile(row: TileRow, { level, index, width }: TileId): Buffer | undefined {
  const size = Number(row.size);
  if (row.edge === null || index !== hashesAtLevel(size, level + 1)) {
    return undefined;
  }
  const below = openTileWidths(size).slice(0, level);
  const start = below.reduce((sum, each) => sum + each, 0) * HASH_BYTES;
  return row.edge.subarray(start, start + width * HASH_BYTES);
}
