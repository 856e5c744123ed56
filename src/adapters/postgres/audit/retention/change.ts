import type { Pool } from 'pg';
import type { DisclosureLabel } from '../../../../crypto/private-cipher.ts';
import { inTransaction, runStatement } from '../../session.ts';
import type { SegmentName } from './segments.ts';

/** The most indexes that one `audit.erase` event can tell of. */
export const MAX_ERASED_AT_ONCE = 65_536;

/** What goes from one segment: these events' disclosures, and what they could be found by. */
export type ErasedPart = {
  firstIndex: number;
  /** Ascending. */
  indexes: readonly number[];
  terms: readonly bigint[];
};

/** The indexes as the event's leaf digests them and the database keeps them: u64be each. */
export function encodeIndexes(indexes: readonly number[]): Buffer {
  const encoded = Buffer.alloc(indexes.length * 8);
  for (const [place, index] of indexes.entries()) {
    encoded.writeBigUInt64BE(BigInt(index), place * 8);
  }
  return encoded;
}

/**
 * Erases the disclosures with one label of these events of one shard, parts and indexes ascending, as one
 * transaction. The database refuses unless the leaf of `eventId` is in the tree and says exactly this.
 */
export function eraseDisclosures(
  pool: Pool,
  erasure: {
    eventId: string;
    logId: number;
    label: DisclosureLabel;
    parts: readonly ErasedPart[];
  },
): Promise<void> {
  const { logId, label, parts } = erasure;
  const eventId = Buffer.from(erasure.eventId, 'base64url');
  const indexes = encodeIndexes(parts.flatMap((part) => part.indexes));
  return inTransaction(pool, async (session) => {
    await session.rows({
      text: 'select audit_erase($1, $2, $3, $4)',
      values: [eventId, logId, label, indexes],
    });
    let from = 0;
    for (const part of parts) {
      const count = part.indexes.length;
      await session.rows({
        text: 'select audit_blank($1, $2, $3, $4, $5, $6, $7)',
        values: [eventId, logId, label, part.firstIndex, from, count, part.terms],
      });
      from += count;
    }
  });
}

/** A month's key of a vault. `month` is yyyymm. */
export type MonthKeyName = { vaultId: number; month: number };

/**
 * Destroys the key of one vault and month for disclosures. `mac` is that of the row as it will be: state
 * `destroyed`, nothing wrapped. False: there is no such key (any more). As for erasing, the leaf of
 * `eventId` must be in the tree.
 */
export async function destroyMonthKey(
  pool: Pool,
  { eventId, vaultId, month, mac }: MonthKeyName & { eventId: string; mac: Buffer },
): Promise<boolean> {
  const [row] = await runStatement<{ destroyed: boolean }>(pool, {
    text: 'select audit_destroy_key($1, $2, $3, $4) as destroyed',
    values: [Buffer.from(eventId, 'base64url'), vaultId, month, mac],
  });
  return row?.destroyed === true;
}

/** Takes what a destroyed key sealed in one segment out of the blind index. */
export async function forgetMonth(
  pool: Pool,
  { vaultId, month, logId, firstIndex }: MonthKeyName & SegmentName,
): Promise<void> {
  await runStatement(pool, {
    text: 'select audit_forget($1, $2, $3, $4)',
    values: [vaultId, month, logId, firstIndex],
  });
}

/** Raises the least index of a shard; `pruneSegments` does the rest. As for erasing, the tree must tell. */
export async function raiseMinIndex(
  pool: Pool,
  { eventId, logId, minIndex }: { eventId: string; logId: number; minIndex: number },
): Promise<void> {
  await runStatement(pool, {
    text: 'select audit_prune($1, $2, $3)',
    values: [Buffer.from(eventId, 'base64url'), logId, minIndex],
  });
}

/** Deletes the segments wholly below the least index of a shard, in small transactions; how many. */
export async function pruneSegments(pool: Pool, logId: number): Promise<number> {
  let total = 0;
  for (;;) {
    const [row] = await runStatement<{ dropped: number }>(pool, {
      text: 'select audit_drop_pruned($1) as dropped',
      values: [logId],
    });
    const dropped = row?.dropped ?? 0;
    total += dropped;
    if (dropped === 0) return total;
  }
}
