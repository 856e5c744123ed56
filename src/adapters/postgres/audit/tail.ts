import type { Pool } from 'pg';
import { batchMac, bootMacKey } from '../../../crypto/batch-mac.ts';
import { constantTimeEqual } from '../../../crypto/digest.ts';
import type { Keysets } from '../../../crypto/keysets.ts';
import { openDisclosure, type SealedDisclosure } from '../../../crypto/open-disclosure.ts';
import { type Leaf, readLeaf } from '../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../domain/errors.ts';
import { readTwice } from '../certainty.ts';
import { decodeLeaves, decodeSealed } from './framing.ts';
import { PENDING_COLUMNS, type PendingRow, type StoredBatch, toBatch } from './pending-row.ts';

/**
 * One event, or a batch that is not as a writer of ours wrote it. `who` and `what` are absent when they
 * cannot be opened or do not match the leaf.
 */
export type TailEntry =
  | { intact: true; leaf: Leaf; who?: unknown; what?: unknown }
  | { intact: false; day: string; bootId: string; firstSeq: bigint };

type TailDeps = { pool: Pool; keysets: Pick<Keysets, 'auditMac' | 'findPrivateCipher'> };

// No index on written_at: it would cost every batch, and this statement reads one or two days at most. Sorted before
// its bytes are encoded: that fetches all of them, and only the last rows' are asked for.
const LAST_BATCHES = `
select ${PENDING_COLUMNS}
from (
  select * from audit_pending
  where day >= (select max(day) from audit_pending) - 1
  order by written_at desc
  limit $1
) newest
order by written_at desc`;

/**
 * The last events that are durable, oldest first, each batch checked against its MAC. Shows personal
 * data: for operators who hold the keys anyway. Rejects with `store_unavailable` or `key_unavailable`.
 */
export async function readAuditTail(deps: TailDeps, count: number): Promise<TailEntry[]> {
  // A batch has at least one event, so this many batches always suffice.
  const rows = await readTwice(deps.pool, (session) =>
    session.rows<PendingRow>({ text: LAST_BATCHES, values: [count] }),
  );
  const auditMac = await deps.keysets.auditMac();
  const entries: TailEntry[] = [];
  for (const batch of rows.reverse().map(toBatch)) {
    const intact = constantTimeEqual(
      batchMac(bootMacKey(auditMac, batch.bootId), batch),
      batch.mac,
    );
    if (intact) {
      entries.push(...(await openBatch(deps, batch)));
    } else {
      const { day, bootId, firstSeq } = batch;
      entries.push({ intact, day, bootId, firstSeq });
    }
  }
  return entries.slice(-count);
}

async function openBatch(deps: TailDeps, batch: StoredBatch): Promise<TailEntry[]> {
  const who = decodeSealed(batch.who, batch.count);
  const what = decodeSealed(batch.what, batch.count);
  const entries: TailEntry[] = [];
  for (const [index, bytes] of decodeLeaves(batch.leaves, batch.count).entries()) {
    const leaf = readLeaf(bytes);
    if (leaf === undefined) {
      throw new VaultError('internal', { detail: 'an audit leaf cannot be read' });
    }
    const open = async (label: 'who' | 'what', disclosure: SealedDisclosure | undefined) =>
      disclosure && (await openDisclosure(deps.keysets, { leaf, label, disclosure }))?.value;
    const [opened, touched] = await Promise.all([
      open('who', who[index]),
      open('what', what[index]),
    ]);
    entries.push({
      intact: true,
      leaf,
      ...(opened !== undefined && { who: opened }),
      ...(touched !== undefined && { what: touched }),
    });
  }
  return entries;
}
