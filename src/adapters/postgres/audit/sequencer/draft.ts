import type { RandomBytes } from '../../../../crypto/random.ts';
import { type LogStatement, makeLogLeaf } from '../log-leaf.ts';
import { MAX_SEGMENT_EVENTS, type WriterProgress } from '../segment.ts';
import { blockOfEvents, type SegmentBlock } from '../segment-block.ts';

/** How far a writer has come. */
type Progress = Omit<WriterProgress, 'bootId'>;

/** The segment that a cycle is about to append. */
export type Draft = {
  readonly blocks: readonly SegmentBlock[];
  /** How many events are in it. */
  count(): number;
  /** How many more fit. */
  room(): number;
  /** Adds the events of a batch, and how far their writer has come with them. */
  add(bootId: string, block: SegmentBlock, progress: Progress): void;
  /** Adds a leaf of the log itself about a writer. */
  state(bootId: string, statement: LogStatement, progress: Progress): void;
  progress(): WriterProgress[];
};

/** An empty draft; `atMs` is the time of the log's own leaves. */
export function makeDraft(deps: { atMs: number; random: RandomBytes }): Draft {
  const blocks: SegmentBlock[] = [];
  const reached = new Map<string, Progress>();
  let count = 0;
  const add: Draft['add'] = (bootId, block, progress) => {
    blocks.push(block);
    count += block.count;
    reached.set(bootId, progress);
  };
  return {
    blocks,
    count: () => count,
    room: () => MAX_SEGMENT_EVENTS - count,
    add,
    state: (bootId, statement, progress) => {
      add(bootId, blockOfEvents([makeLogLeaf(statement, deps)]), progress);
    },
    progress: () =>
      [...reached].map(([bootId, progress]) => ({
        bootId: Buffer.from(bootId, 'base64url'),
        ...progress,
      })),
  };
}
