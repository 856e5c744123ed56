import { pruneSegments, raiseMinIndex } from '../../adapters/postgres/audit/retention/change.ts';
import { firstIndexFrom } from '../../adapters/postgres/audit/retention/segments.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Shard } from '../../operations/ports/audit-reader.ts';
import { TILE_WIDTH } from '../../tlog/tile.ts';
import { checkArchive } from './archive.ts';
import type { Operator } from './operator.ts';

/** What to keep: everything from an index on, or from the first segment with an event of this time on. */
export type Before = { index: number } | { atMs: number };

/** `event` is absent when nothing was to be done, or was not asked to be done. */
export type Pruned = {
  shard: string;
  minIndex: number;
  /** SHA-256 of the archive, hex. */
  archive: string;
  event?: string;
  /** Segments deleted. */
  segments: number;
};

/**
 * Prunes the entries of a shard below an index (tlog-tiles, "Pruning"), down to a whole number of bundles,
 * after making sure that an archive has them. Hash tiles stay: every proof stays possible. Without
 * `confirmed`, only looks. Running it again finishes what was interrupted.
 * @throws VaultError one line for the operator
 */
export async function pruneShard(
  operator: Operator,
  asked: {
    shard?: string | undefined;
    before: Before;
    archive: string;
    policyId: string;
    confirmed: boolean;
  },
): Promise<Pruned> {
  const shard = await findShard(operator, asked.shard);
  const { logId, shard: name } = shard;
  const minIndex = await findMinIndex(operator, shard, asked.before);
  const archive = await checkArchive(operator, { dir: asked.archive, shard, minIndex });
  const plan = { shard: name, minIndex, archive, segments: 0 };
  if (!asked.confirmed) {
    return plan;
  }
  let event: string | undefined;
  if (minIndex > shard.minIndex) {
    event = await operator.tell({
      operation: 'audit.prune',
      attributes: { shard: name, minIndex, archive, policy: asked.policyId },
    });
    await raiseMinIndex(operator.pool, { eventId: event, logId, minIndex });
  }
  // A crash from here on leaves entries that nobody is served any more; the next run deletes them.
  const segments = await pruneSegments(operator.pool, logId);
  return { ...plan, segments, ...(event !== undefined && { event }) };
}

async function findShard({ reader }: Operator, asked: string | undefined): Promise<Shard> {
  const shards = await reader.shards();
  const found = asked === undefined ? shards : shards.filter(({ shard }) => shard === asked);
  const [shard, ...others] = found;
  if (shard === undefined) {
    throw refusal('There is no such shard.');
  }
  if (others.length > 0) {
    const names = found.map((each) => each.shard).join(', ');
    throw refusal(`The log has several shards (${names}): name one with --shard.`);
  }
  return shard;
}

/** A whole number of bundles, and never below where the shard is pruned to already. */
async function findMinIndex(operator: Operator, shard: Shard, before: Before): Promise<number> {
  const published = (await operator.reader.checkpoint(shard.logId))?.size ?? 0;
  const index =
    'index' in before
      ? before.index
      : ((await firstIndexFrom(operator.pool, { logId: shard.logId, ...before })) ?? published);
  if (index > published) {
    throw refusal(
      `That index is not published yet: the shard's checkpoint has ${published} entries.`,
    );
  }
  return Math.max(shard.minIndex, index - (index % TILE_WIDTH));
}

function refusal(detail: string): VaultError {
  return new VaultError('internal', { detail });
}
