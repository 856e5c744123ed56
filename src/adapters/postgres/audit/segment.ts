import type { Edge } from '../../../tlog/edge.ts';
import type { Session } from '../session.ts';
import { indexBlocks, leafFacetsOf } from './postings.ts';
import { blockOfEvents, type SegmentBlock, type SequencedEvent } from './segment-block.ts';

export type { SequencedEvent } from './segment-block.ts';

/** The most events in one segment, and so in one cycle of the sequencer. */
export const MAX_SEGMENT_EVENTS = 4_096;

/** How far a writer has come with this segment. */
export type WriterProgress = { bootId: Buffer; nextSeq: number; day: string; closed: boolean };

/** Where a segment goes, and whose events are in it. */
type Target = { logId: number; edge: Edge; writers: readonly WriterProgress[] };

const APPEND = `select audit_append(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`;

const OFFSET_BYTES = 12;

/** As `appendBlocks`, for events that do not come from batches. */
export function appendSegment(
  session: Session,
  { events, ...target }: Target & { events: readonly SequencedEvent[] },
): Promise<void> {
  return appendBlocks(session, { ...target, blocks: [blockOfEvents(events)] });
}

/**
 * Appends 1 to 4,096 events to the locked shard at the end of `edge`, which is moved on. In the caller's
 * transaction: when that is rolled back, throw the edge away, too.
 */
export async function appendBlocks(
  session: Session,
  { logId, edge, writers, blocks }: Target & { blocks: readonly SegmentBlock[] },
): Promise<void> {
  const firstIndex = edge.size();
  const tiles = edge.append(Buffer.concat(blocks.map(({ hashes }) => hashes)));
  const times = blocks.flatMap(({ timesMs }) => [...timesMs]);
  const postings = indexBlocks(blocks);
  await session.rows({
    name: 'audit-append',
    text: APPEND,
    values: [
      logId,
      firstIndex,
      times.length,
      Math.min(...times),
      Math.max(...times),
      leafFacetsOf(blocks),
      Buffer.concat(blocks.map(({ columns }) => columns.leaves)),
      Buffer.concat(blocks.map(({ columns }) => columns.who)),
      Buffer.concat(blocks.map(({ columns }) => columns.what)),
      encodeOffsets(blocks),
      postings.terms,
      postings.positions,
      tiles.map(({ level }) => level),
      tiles.map(({ index }) => index),
      Buffer.concat(tiles.map(({ hashes }) => hashes)),
      edge.root(),
      Buffer.concat(edge.state().openTiles),
      writers.map(({ bootId }) => bootId),
      writers.map(({ nextSeq }) => nextSeq),
      writers.map(({ day }) => day),
      writers.map(({ closed }) => closed),
    ],
  });
}

/** Where each event's leaf and disclosures begin in their columns: three u32be an event. */
function encodeOffsets(blocks: readonly SegmentBlock[]): Buffer {
  const count = blocks.reduce((sum, block) => sum + block.count, 0);
  const offsets = Buffer.alloc(count * OFFSET_BYTES);
  const next = [0, 0, 0];
  let at = 0;
  for (const { lengths } of blocks) {
    for (const [index, length] of lengths.entries()) {
      const start = next[index % 3] ?? 0;
      at = offsets.writeUInt32BE(start, at);
      next[index % 3] = start + length;
    }
  }
  return offsets;
}
