import type { Batch } from './batch.ts';
import { makeSlabs, type Slabs } from './slabs.ts';

/** A batch that is durable, and not yet known to be in the tree. */
export type Kept = {
  /** Its bytes are this store's own, and hold until it is released. */
  readonly batch: Batch;
  /** In order of commits. */
  readonly number: number;
  readonly keptAtMs: number;
  /** When its row was last looked at, or the batch kept. */
  lookedAtMs: number;
  /** How its row was last seen, when not as it was written. */
  fault?: 'missing' | 'altered';
};

/** What this instance has made durable and keeps until the tree has it (AUDIT-LOG §4.5). */
export type Retained = {
  /** Copies it: what it is made of need not be kept. */
  keep(batch: Batch): void;
  /** Forgets a batch. `lost`: it is not in the tree, and never will be. */
  release(kept: Kept, fate: 'integrated' | 'lost'): void;
  /** Oldest first. */
  all(): IterableIterator<Kept>;
  batches(): number;
  events(): number;
  /** Of everything in them. */
  bytes(): number;
  /** Age of the oldest, 0 when there is none. */
  ageMs(): number;
  /** Number of the last batch that was kept, 0 at first. */
  lastNumber(): number;
  /** True when no batch up to this number is left. */
  isClearTo(number: number): boolean;
  /** How many batches were released as lost. */
  lost(): number;
};

/** Makes an empty store. Times are of the monotonic clock. */
export function makeRetained(clock: { monotonic(): number }): Retained {
  const slabs = makeSlabs();
  // With what gives its bytes back. Maps keep their order of insertion: the first one is the oldest.
  const kept = new Map<Kept, () => void>();
  let [events, bytes] = [0, 0];
  let lastNumber = 0;
  let lost = 0;
  const oldest = (): Kept | undefined => kept.keys().next().value;

  return {
    keep(given) {
      const { batch, release } = ownCopy(slabs, given);
      const keptAtMs = clock.monotonic();
      lastNumber += 1;
      events += batch.count;
      bytes += bytesOf(batch);
      kept.set({ batch, number: lastNumber, keptAtMs, lookedAtMs: keptAtMs }, release);
    },
    release(one, fate) {
      const release = kept.get(one);
      if (release === undefined) {
        return;
      }
      kept.delete(one);
      events -= one.batch.count;
      bytes -= bytesOf(one.batch);
      lost += fate === 'lost' ? 1 : 0;
      release();
    },
    all: () => kept.keys(),
    batches: () => kept.size,
    events: () => events,
    bytes: () => bytes,
    ageMs: () => {
      const first = oldest();
      return first === undefined ? 0 : clock.monotonic() - first.keptAtMs;
    },
    lastNumber: () => lastNumber,
    isClearTo: (number) => (oldest()?.number ?? Number.POSITIVE_INFINITY) > number,
    lost: () => lost,
  };
}

/** The batch with bytes that are not a slice of anything else. */
function ownCopy(slabs: Slabs, batch: Batch): { batch: Batch; release: () => void } {
  const { leaves, who, what, terms, mac } = batch;
  const { copies, release } = slabs.copy([leaves, who, what, mac, ...(terms ? [terms] : [])]);
  const [ownLeaves = leaves, ownWho = who, ownWhat = what, ownMac = mac, ownTerms] = copies;
  const own = { leaves: ownLeaves, who: ownWho, what: ownWhat, mac: ownMac, terms: ownTerms };
  return { batch: { ...batch, ...own }, release };
}

const bytesOf = ({ leaves, who, what, terms }: Batch): number =>
  leaves.length + who.length + what.length + (terms?.length ?? 0);
