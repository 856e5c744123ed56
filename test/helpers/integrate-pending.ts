import type { Pool } from 'pg';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { appendBlocks, type WriterProgress } from '../../src/adapters/postgres/audit/segment.ts';
import type { SegmentBlock } from '../../src/adapters/postgres/audit/segment-block.ts';
import { openBatch } from '../../src/adapters/postgres/audit/sequencer/open-batch.ts';
import { lockShard } from '../../src/adapters/postgres/audit/shard-lock.ts';
import { inTransaction, type Session } from '../../src/adapters/postgres/session.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import type { SecretKey } from '../../src/crypto/secret.ts';
import { emptyRoot } from '../../src/tlog/hash.ts';

type Deps = { pool: Pool; keysets: Keysets };

const PENDING = `
select p.day::text, p.boot_id as "bootId", p.first_seq as "firstSeq", p.log_id as "logId", p.n as count,
  p.leaves, p.sealed_who as who, p.sealed_what as what, p.terms, p.mac
from audit_pending p left join audit_writer w using (boot_id)
where p.first_seq >= coalesce(w.next_seq, 0)
order by p.boot_id, p.first_seq`;

type Row = {
  day: string;
  bootId: Buffer;
  firstSeq: string;
  logId: number;
  count: number;
  leaves: Buffer;
  who: Buffer;
  what: Buffer;
  terms: Buffer | null;
  mac: Buffer;
};

/**
 * One cycle of a sequencer without patience: what each writer has up to its first hole goes into the
 * tree, and past a row that is not intact it goes at once, as it does behind an `audit.gap`.
 */
export function integratePending({ pool, keysets }: Deps): Promise<void> {
  return inTransaction(pool, async (session) => {
    const auditMac = await keysets.auditMac();
    const shard = await lockShard(session);
    if (shard?.edge === undefined) {
      return;
    }
    const { blocks, writers } = await take(session, auditMac);
    if (blocks.length > 0) {
      const { logId, edge } = shard;
      await appendBlocks(session, { logId, edge, blocks, writers });
    }
  });
}

/** Opens a shard, and freezes the one before it. */
export async function openShard(pool: Pool, shard: string): Promise<void> {
  await inTransaction(pool, (session) =>
    session.rows({
      text: `select audit_open(
        (select log_id from audit_log where state = 'active'), $1, 'log.test/' || $1, $2)`,
      values: [shard, emptyRoot()],
    }),
  );
}

/** Event ids in the tree, in order. */
export async function readTree(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ n: number; leaves: Buffer }>(
    'select n, leaves from audit_segment order by log_id, first_index',
  );
  return rows.flatMap(({ n, leaves }) =>
    decodeLeaves(leaves, n).map((bytes): string => JSON.parse(bytes.toString()).id),
  );
}

async function take(session: Session, auditMac: SecretKey) {
  const blocks: SegmentBlock[] = [];
  let events = 0;
  const writers = new Map<string, WriterProgress>();
  for (const row of await session.rows<Row>({ text: PENDING })) {
    const bootId = row.bootId.toString('base64url');
    const firstSeq = Number(row.firstSeq);
    const next = writers.get(bootId)?.nextSeq ?? (await nextSeqOf(session, row.bootId));
    if (firstSeq !== next || events + row.count > 4_096) {
      continue;
    }
    const terms = row.terms ?? undefined;
    const batch = { ...row, terms, bootId, firstSeq: BigInt(firstSeq) };
    const block = openBatch(auditMac, batch);
    if (block !== undefined) {
      blocks.push(block);
      events += row.count;
    }
    const { bootId: bytes, day } = row;
    writers.set(bootId, { bootId: bytes, nextSeq: next + row.count, day, closed: false });
  }
  return { blocks, writers: [...writers.values()] };
}

async function nextSeqOf(session: Session, bootId: Buffer): Promise<number> {
  const [row] = await session.rows<{ next_seq: string }>({
    text: 'select next_seq from audit_writer where boot_id = $1',
    values: [bootId],
  });
  return Number(row?.next_seq ?? 0);
}
