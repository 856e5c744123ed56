import type { Pool } from 'pg';
import { eventTerm } from '../../../../crypto/audit-term.ts';
import { sha256 } from '../../../../crypto/digest.ts';
import { readLeaf } from '../../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../../domain/errors.ts';
import { inTransaction, runStatement, type Session } from '../../session.ts';
import { LEAF_HEAD } from '../frames.ts';
import type { Batch } from './batch.ts';
import { insertBatch } from './commit.ts';

/** How far the tree has come with a writer: the first number that it does not have. */
export type WriterPosition = { nextSeq: bigint; closed: boolean };

/** What is in a batch's place. `passed`: the tree is beyond it, and its row is of no consequence. */
export type Place = 'passed' | 'ours' | 'altered' | 'missing';

const POSITIONS = `
select boot_id, next_seq, closed from audit_writer where boot_id = any($1)`;

// One statement, one snapshot: a row that was integrated and then dropped is never taken for missing.
// Contents are compared, not the MACs alone: an edit may leave the MAC as it was.
const PLACES = `
select
  coalesce(w.next_seq, 0) > k.first_seq as passed,
  p.mac is null as missing,
  (p.log_id = k.log_id and p.n = k.n and p.mac = k.mac and k.content = sha256(
    sha256(p.leaves) || sha256(p.sealed_who) || sha256(p.sealed_what) || sha256(p.terms)
  )) is true as ours
from unnest(
  $1::date[], $2::bytea[], $3::bigint[], $4::smallint[], $5::smallint[], $6::bytea[], $7::bytea[]
) with ordinality as k (day, boot_id, first_seq, log_id, n, mac, content, place)
left join lateral (
  -- With a limit: one index descent for each batch, where a join may be planned as a scan of whole days.
  select * from audit_pending
  where day = k.day and boot_id = k.boot_id and first_seq = k.first_seq
  limit 1
) p on true
left join audit_writer w on w.boot_id = k.boot_id
order by k.place`;

// By the term of the first event's id, and then by the bytes: a term is easily made up. Batches stand in
// a segment as they were written, one behind the other. "offset 0" and the limit keep it at index descents
// for each batch: a join was planned as a scan of all terms.
const IN_TREE = `
select k.place::int
from unnest($1::bigint[], $2::int[], $3::bytea[]) with ordinality as k (term, bytes, digest, place)
cross join lateral (select * from audit_term where term = k.term offset 0) t
cross join lateral (
  select * from audit_segment where log_id = t.log_id and first_index = t.segment limit 1
) s
cross join unnest(t.positions) as at
cross join lateral (
  select ('x' || encode(substring(s.offsets from 12 * at + 1 for 4), 'hex'))::bit(32)::int as skip
) begins
where sha256(substring(s.leaves from begins.skip + 1 for k.bytes)) = k.digest`;

const bootBytes = (bootId: string) => Buffer.from(bootId, 'base64url');

/** The positions of these writers; those of which nothing was integrated are absent. */
export async function readPositions(
  pool: Pool,
  bootIds: readonly string[],
): Promise<Map<string, WriterPosition>> {
  const rows = await runStatement<{ boot_id: Buffer; next_seq: string; closed: boolean }>(pool, {
    name: 'audit-positions',
    text: POSITIONS,
    values: [bootIds.map(bootBytes)],
  });
  return new Map(
    rows.map(({ boot_id, next_seq, closed }) => [
      boot_id.toString('base64url'),
      { nextSeq: BigInt(next_seq), closed },
    ]),
  );
}

/** What is in the places of these batches, in order, all at one moment. */
export async function readPlaces(
  session: Session,
  batches: readonly Batch[],
): Promise<readonly Place[]> {
  const rows = await session.rows<{ passed: boolean; missing: boolean; ours: boolean }>({
    text: PLACES,
    values: [
      batches.map(({ day }) => day),
      batches.map(({ bootId }) => bootBytes(bootId)),
      batches.map(({ firstSeq }) => firstSeq),
      batches.map(({ logId }) => logId),
      batches.map(({ count }) => count),
      batches.map(({ mac }) => mac),
      batches.map(contentOf),
    ],
  });
  return rows.map(({ passed, missing, ours }) => {
    if (passed) return 'passed';
    if (missing) return 'missing';
    return ours ? 'ours' : 'altered';
  });
}

function contentOf({ leaves, who, what, terms = Buffer.alloc(0) }: Batch): Buffer {
  return sha256(...[leaves, who, what, terms].map((column) => sha256(column)));
}

/**
 * Puts a batch back whose row is missing: the same bytes in the same place. Looks again right before it
 * does, so that what was integrated meanwhile is left alone. True when it was put back.
 */
export function restoreBatch(pool: Pool, batch: Batch): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    const [place] = await readPlaces(session, [batch]);
    return place === 'missing' && (await insertBatch(session, batch));
  });
}

/**
 * Those of these batches that are in the tree, leaf by leaf, whatever the numbers say. A segment takes whole
 * batches.
 */
export async function findIntegrated(
  pool: Pool,
  batches: readonly Batch[],
): Promise<ReadonlySet<Batch>> {
  if (batches.length === 0) {
    return new Set();
  }
  const rows = await runStatement<{ place: number }>(pool, {
    name: 'audit-in-tree',
    text: IN_TREE,
    values: [
      batches.map(firstTerm),
      batches.map(({ leaves }) => leaves.length),
      batches.map(({ leaves }) => sha256(leaves)),
    ],
  });
  const places = new Set(rows.map(({ place }) => place));
  return new Set(batches.filter((_, index) => places.has(index + 1)));
}

/** The term of the first event's id. Of the first leaf alone: each batch that is kept comes by here. */
function firstTerm({ leaves }: Batch): bigint {
  const end = LEAF_HEAD + leaves.readUInt16BE();
  const leaf = readLeaf(leaves.toString('utf8', LEAF_HEAD, end));
  if (leaf === undefined) {
    throw new VaultError('internal', { detail: 'an audit leaf cannot be read' });
  }
  return eventTerm(leaf.id);
}
