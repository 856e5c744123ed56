import type { Batch } from './batch.ts';
import { makeSlabs, type Piece } from './slabs.ts';

/** A batch that is durable, and not yet known to be in the tree. */
export type Kept = {
  /** Its bytes are this store's own, and another batch's once this one is released. */
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
  // Maps keep their order of insertion: the first one is the oldest.
  const kept = new Map<Kept, Piece>();
  const slabs = makeSlabs();
  let [events, bytes] = [0, 0];
  let lastNumber = 0;
  let lost = 0;
  const oldest = (): Kept | undefined => kept.keys().next().value;

  return {
    keep(given) {
      // The tree takes a writer's batches in their order; those of two writers come free at different times.
      const piece = slabs.take(given.bootId, bytesOf(given));
      const batch = copyInto(piece.bytes, given);
      const keptAtMs = clock.monotonic();
      lastNumber += 1;
      events += batch.count;
      bytes += bytesOf(batch);
      kept.set({ batch, number: lastNumber, keptAtMs, lookedAtMs: keptAtMs }, piece);
    },
    release(one, fate) {
      const piece = kept.get(one);
      if (piece === undefined) {
        return;
      }
      kept.delete(one);
      slabs.giveBack(piece);
      events -= one.batch.count;
      bytes -= bytesOf(one.batch);
      lost += fate === 'lost' ? 1 : 0;
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

/** The batch with all its bytes in this memory. */
function copyInto(memory: Buffer, { leaves, who, what, terms, mac, ...rest }: Batch): Batch {
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

/** Of everything in it that is not a number or a name. */
const bytesOf = ({ leaves, who, what, terms, mac }: Batch): number =>
  leaves.length + who.length + what.length + mac.length + (terms?.length ?? 0);
