import { hashLeaves } from '../../../../tlog/hash.ts';
import { TILE_WIDTH } from '../../../../tlog/tile.ts';
import type { Session } from '../../session.ts';
import { damaged } from './rows.ts';

/** Leaves that lie one behind the other in the tree. */
type LeafRange = { firstIndex: number; leaves: readonly Buffer[] };

/** A stretch of one level-0 tile. */
type Piece = { tile: number; from: number; count: number };

// One statement, so that a tile that fills up meanwhile is found in one of its two places. The open
// tile of level 0 is the beginning of the edge.
const HASHES = `
select coalesce(
  substring(tile.hashes from 32 * piece.skip + 1 for 32 * piece.count),
  case when piece.tile = log.size / 256
    then substring(log.edge from 32 * piece.skip + 1 for 32 * piece.count) end
) as hashes
from unnest($2::bigint[], $3::int[], $4::int[]) with ordinality as piece (tile, skip, count, ord)
join audit_log log on log.log_id = $1
left join audit_tile tile on tile.log_id = $1 and tile.level = 0 and tile.n = piece.tile
order by piece.ord`;

/**
 * Makes sure that these leaves are those of the tree. Rejects with `internal` when one is not: who
 * changed the tree as well is found out by its checkpoints.
 */
export async function checkLeaves(
  session: Session,
  logId: number,
  ranges: readonly LeafRange[],
): Promise<void> {
  const pieces = ranges.flatMap(piecesOf);
  const rows = await session.rows<{ hashes: Buffer | null }>({
    name: 'audit-leaf-hashes',
    text: HASHES,
    values: [
      logId,
      pieces.map(({ tile }) => tile),
      pieces.map(({ from }) => from),
      pieces.map(({ count }) => count),
    ],
  });
  const stored = Buffer.concat(rows.flatMap(({ hashes }) => hashes ?? []));
  if (!hashLeaves(ranges.flatMap(({ leaves }) => leaves)).equals(stored)) {
    throw damaged('an entry of the log is not what its tree says');
  }
}

function piecesOf({ firstIndex, leaves }: LeafRange): Piece[] {
  const pieces: Piece[] = [];
  const end = firstIndex + leaves.length;
  for (let at = firstIndex; at < end; ) {
    const from = at % TILE_WIDTH;
    const count = Math.min(TILE_WIDTH - from, end - at);
    pieces.push({ tile: Math.floor(at / TILE_WIDTH), from, count });
    at += count;
  }
  return pieces;
}
