import type { Pool } from 'pg';
import { checkConsistency } from '../../../../tlog/check-proof.ts';
import { makeEdge } from '../../../../tlog/edge.ts';
import { HASH_BYTES } from '../../../../tlog/hash.ts';
import { makeProver } from '../../../../tlog/prover.ts';
import { hashesAtLevel, openTileWidths } from '../../../../tlog/tile.ts';
import { TlogError } from '../../../../tlog/tlog-error.ts';
import { readTile, type ShardState } from './rows.ts';

/** A tree that was signed. */
export type SignedTree = { size: number; root: Buffer };

/**
 * How the database contradicts what was signed: it has fewer leaves, or others; or its tiles and its edge
 * do not give its root.
 */
export type Contradiction = 'went_backwards' | 'inconsistent';

/**
 * Whether the stored tree extends all trees that were signed (RFC 6962 §2.1.2) and has the root that it
 * claims. `undefined`: it does, and may be signed. Rejects with `store_unavailable` when tiles cannot be
 * read: then nobody knows.
 */
export async function findContradiction(
  pool: Pool,
  state: ShardState,
  signed: readonly SignedTree[],
): Promise<Contradiction | undefined> {
  if (signed.some(({ size }) => size > state.size)) {
    return 'went_backwards';
  }
  try {
    checkRoot(state);
    for (const { size, root } of signed) {
      const proof = await proofFrom(pool, state, size);
      checkConsistency({ oldSize: size, oldRoot: root, size: state.size, root: state.root, proof });
    }
    return undefined;
  } catch (error) {
    if (error instanceof TlogError) {
      return 'inconsistent';
    }
    throw error;
  }
}

/** The consistency proof from an earlier size to this state, made of the stored tiles. */
export function proofFrom(pool: Pool, state: ShardState, oldSize: number): Promise<Buffer[]> {
  const { logId, size } = state;
  const openTiles = openTilesOf(state);
  const prover = makeProver({
    size,
    readTile: async ({ level, index }) =>
      index === hashesAtLevel(size, level + 1)
        ? (openTiles[level] ?? Buffer.alloc(0))
        : await readTile(pool, { logId, level, index }),
  });
  return prover.consistency(oldSize);
}

/** Throws a `TlogError` unless the edge gives the root. */
function checkRoot(state: ShardState): void {
  const edge = makeEdge({ size: state.size, openTiles: openTilesOf(state) });
  if (!edge.root().equals(state.root)) {
    throw new TlogError('edge_invalid');
  }
}

function openTilesOf({ size, edge }: ShardState): Buffer[] {
  let offset = 0;
  return openTileWidths(size).map((width) => {
    const start = offset;
    offset += width * HASH_BYTES;
    return edge.subarray(start, offset);
  });
}
