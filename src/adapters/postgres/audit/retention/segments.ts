import type { Pool } from 'pg';
import { type Leaf, readLeaf } from '../../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { StoredEvent } from '../../../../operations/ports/audit-reader.ts';
import { runStatement } from '../../session.ts';
import { decodeLeaves, decodeSealed } from '../framing.ts';

/** Names a segment of the log; `firstIndex` is its first event's. */
export type SegmentName = { logId: number; firstIndex: number };

/** An event with its leaf read. */
export type ReadEvent = StoredEvent & { read: Leaf };

type NameRow = { log_id: number; first_index: string };

const toName = (row: NameRow): SegmentName => ({
  logId: row.log_id,
  firstIndex: Number(row.first_index),
});

const WITH_TERMS = `
select distinct log_id, segment as first_index from audit_term
where term = any($1) order by log_id, segment`;

/** The segments in which one of these terms stands, oldest first. */
export async function segmentsWithTerms(pool: Pool, terms: bigint[]): Promise<SegmentName[]> {
  const rows = await runStatement<NameRow>(pool, { text: WITH_TERMS, values: [terms] });
  return rows.map(toName);
}

const WITHIN = `
select log_id, first_index from audit_segment
where first_ms < $2 and last_ms >= $1 order by log_id, first_index`;

/** The segments with events of this time, `fromMs` inclusive, `toMs` exclusive; oldest first. */
export async function segmentsWithin(
  pool: Pool,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<SegmentName[]> {
  const rows = await runStatement<NameRow>(pool, { text: WITHIN, values: [fromMs, toMs] });
  return rows.map(toName);
}

const FIRST_FROM = `
select first_index from audit_segment where log_id = $1 and reached_ms >= $2
order by reached_ms, first_index limit 1`;

/**
 * Where the first segment of a shard begins that has an event of this time or later: what lies before it
 * is all older. `undefined`: everything is.
 */
export async function firstIndexFrom(
  pool: Pool,
  { logId, atMs }: { logId: number; atMs: number },
): Promise<number | undefined> {
  const [row] = await runStatement<{ first_index: string }>(pool, {
    text: FIRST_FROM,
    values: [logId, atMs],
  });
  return row && Number(row.first_index);
}

/** The checkpoint that the log published of exactly this size. */
export async function findCheckpoint(
  pool: Pool,
  { logId, size }: { logId: number; size: number },
): Promise<string | undefined> {
  const [row] = await runStatement<{ note: string }>(pool, {
    text: 'select note from audit_checkpoint where log_id = $1 and size = $2',
    values: [logId, size],
  });
  return row?.note;
}

const POSITIONS = `
select distinct unnest(positions)::int as position from audit_term
where term = any($1) and log_id = $2 and segment = $3`;

/** The events of one segment that have one of these terms, in order. */
export async function readWithTerms(
  pool: Pool,
  { logId, firstIndex }: SegmentName,
  terms: bigint[],
): Promise<ReadEvent[]> {
  const rows = await runStatement<{ position: number }>(pool, {
    text: POSITIONS,
    values: [terms, logId, firstIndex],
  });
  const wanted = new Set(rows.map(({ position }) => position));
  const events = await readSegment(pool, { logId, firstIndex });
  return events.filter(({ index }) => wanted.has(index - firstIndex));
}

type SegmentRow = { n: number; leaves: Buffer; who: Buffer; what: Buffer };

const READ = `
select n, leaves, who, what from audit_segment where log_id = $1 and first_index = $2`;

/** All events of one segment, in order; none when it has been pruned. */
async function readSegment(pool: Pool, { logId, firstIndex }: SegmentName): Promise<ReadEvent[]> {
  const [row] = await runStatement<SegmentRow>(pool, { text: READ, values: [logId, firstIndex] });
  if (row === undefined) {
    return [];
  }
  const who = decodeSealed(row.who, row.n);
  const what = decodeSealed(row.what, row.n);
  return decodeLeaves(row.leaves, row.n).map((leaf, place) => {
    const read = readLeaf(leaf);
    const [sealedWho, sealedWhat] = [who[place], what[place]];
    if (read === undefined || sealedWho === undefined || sealedWhat === undefined) {
      throw new VaultError('internal', { detail: 'an audit leaf cannot be read' });
    }
    return { logId, index: firstIndex + place, leaf, read, who: sealedWho, what: sealedWhat };
  });
}
