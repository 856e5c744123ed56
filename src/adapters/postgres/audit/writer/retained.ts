import type { Batch } from './batch.ts';

/** A batch that is durable, and not yet known to be in the tree. */
export type Kept = {
  /** Its bytes are this store's own. */
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
  // Sets keep their order of insertion: the first one is the oldest.
  const kept = new Set<Kept>();
  let [events, bytes] = [0, 0];
  let lastNumber = 0;
  let lost = 0;
  const oldest = (): Kept | undefined => kept.values().next().value;

  return {
    keep(given) {
      const batch = ownCopy(given);
      const keptAtMs = clock.monotonic();
      lastNumber += 1;
      events += batch.count;
      bytes += bytesOf(batch);
      kept.add({ batch, number: lastNumber, keptAtMs, lookedAtMs: keptAtMs });
    },
    release(one, fate) {
      if (!kept.delete(one)) {
        return;
      }
      events -= one.batch.count;
      bytes -= bytesOf(one.batch);
      lost += fate === 'lost' ? 1 : 0;
    },
    all: () => kept.values(),
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

/**
 * The batch with all its bytes in one buffer of their own. As they come they are slices of Node's pool, of which
 * each one that is kept keeps 64 KiB of other things as well.
 */
function ownCopy({ leaves, who, what, terms, mac, ...rest }: Batch): Batch {
  const parts = [leaves, who, what, mac, ...(terms ? [terms] : [])];
  const memory = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let used = 0;
  const own = (bytes: Buffer): Buffer => {
    const copy = memory.subarray(used, used + bytes.length);
    copy.set(bytes);
    used += bytes.length;
    return copy;
  };
  return {
    ...rest,
    leaves: own(leaves),
    who: own(who),
    what: own(what),
    mac: own(mac),
    terms: terms && own(terms),
  };
}

const bytesOf = ({ leaves, who, what, terms }: Batch): number =>
  leaves.length + who.length + what.length + (terms?.length ?? 0);
