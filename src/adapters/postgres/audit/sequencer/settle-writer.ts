import type { SecretKey } from '../../../../crypto/secret.ts';
import type { Session } from '../../session.ts';
import type { StoredBatch } from '../pending-row.ts';
import type { Draft } from './draft.ts';
import { findGaps, type Gap } from './gaps.ts';
import { openBatch } from './open-batch.ts';
import type { Patience } from './patience.ts';
import { type PendingWriter, readBatches } from './pending.ts';

/** How long the sequencer waits before it says that something is lost. */
export type Delays = {
  /** For a batch that is not there, although a later one is: its writer may bring it again. */
  holeMs: number;
  /** For a writer of which nothing comes: three heartbeats. */
  silentMs: number;
};

/** Rows that are judged at once. */
const LOOK_AHEAD = 16;
/** No gap reaches behind the rows that were judged: each uses up one of them at least. */
const MAX_GAPS = 8;

/**
 * Looks at a writer that cannot go on, and says in the draft what is lost, if the time has come for it.
 * A batch that was altered stands in its writer's way for good: it can be brought again only when it is
 * gone.
 */
export async function settleWriter(
  deps: { session: Session; patience: Patience; auditMac: SecretKey; delays: Delays; draft: Draft },
  writer: PendingWriter,
): Promise<{ gaps: Gap[]; altered: StoredBatch[] }> {
  const { session, patience, auditMac, delays, draft } = deps;
  const { bootId, rows } = writer;
  const [head] = rows;
  if (head === undefined) {
    return { gaps: [], altered: [] };
  }
  // Both are asked each time: what is not asked for is forgotten.
  const isPatienceOver = (seq: number) => patience.isOver(`hole ${bootId} ${seq}`, delays.holeMs);
  const isGivenUp = patience.isOver(`silent ${bootId} ${writer.nextSeq}`, delays.silentMs);
  const isHole = head.firstSeq > writer.nextSeq;
  if (isHole && !isPatienceOver(writer.nextSeq) && !isGivenUp) {
    return { gaps: [], altered: [] };
  }
  // The last rows, too: one that is intact is all that is needed.
  const last = rows.slice(LOOK_AHEAD).slice(-2);
  const batches = await readBatches(session, [...rows.slice(0, LOOK_AHEAD), ...last]);
  const altered = batches.filter((batch) => openBatch(auditMac, batch) === undefined);
  const { gaps } = findGaps({
    nextSeq: writer.nextSeq,
    rows: judge(batches, altered),
    isGivenUp,
    isPatienceOver,
    max: Math.min(MAX_GAPS, draft.room()),
  });
  for (const gap of gaps) {
    draft.state(
      bootId,
      { operation: 'audit.gap', attributes: { boot: bootId, ...gap } },
      { nextSeq: gap.to + 1, day: head.day, closed: false },
    );
  }
  return { gaps, altered };
}

function judge(batches: readonly StoredBatch[], altered: readonly StoredBatch[]) {
  return batches.map((batch) => ({
    firstSeq: Number(batch.firstSeq),
    count: batch.count,
    intact: !altered.includes(batch),
  }));
}
