import type { Gap } from './gaps.ts';

/** What one cycle found and did. It goes from thread to thread: plain data, nothing personal. */
export type CycleReport = {
  /**
   * `idle`: nothing was tried. `busy`: another instance is at it. `waiting`: nothing was ready.
   * `integrated`: something was appended. `altered_head`: the stored tree is not what its root says;
   * nothing may be built upon it. `failed`: nothing is known to have been done.
   */
  outcome: 'idle' | 'busy' | 'waiting' | 'integrated' | 'altered_head' | 'failed';
  /** Events appended, leaves of the log itself included. */
  events: number;
  /** Bytes of the batches that they came from. */
  bytes: number;
  seconds: number;
  /** There is more to do at once. */
  isFull: boolean;
  gaps: (Gap & { bootId: string })[];
  /** Batches that were found altered, each told of once. */
  altered: { day: string; bootId: string; firstSeq: number }[];
  /** Writers that were silent for too long. */
  closed: { bootId: string; nextSeq: number }[];
  /** Writers whose clock went back, and by how much at most. */
  clockBack: { bootId: string; backMs: number }[];
  /** What waits: how many events, and for how long the oldest of them. */
  pending: { events: number; seconds: number };
};
