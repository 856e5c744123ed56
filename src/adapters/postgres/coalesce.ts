import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';

export type CoalescerOptions<Item, Result> = {
  /** Does the work of a batch; one result per item, in order. Rejects for the whole batch. */
  run: (items: readonly Item[]) => Promise<readonly Result[]>;
  maxItems?: number;
  /** Batches at work at the same time. */
  maxInFlight?: number;
  /**
   * While a batch is at work, the next one gathers until it has so many items, or its first one has waited so
   * long: for what ends with a commit, and costs the more the fewer share it. Absent: it does not.
   */
  gather?: { items: number; ms: number };
  /** Calls that may wait; more are refused with `overloaded`. */
  maxQueued: number;
  /** How long a call may wait before its batch starts; then it is refused with `overloaded`. */
  maxWaitMs: number;
  clock: Pick<Clock, 'monotonic'>;
  /** True when one bad item can have caused this failure: the batch is then tried in halves. */
  isItemFault?: (error: unknown) => boolean;
};

type Waiting<Item, Result> = {
  item: Item;
  sinceMs: number;
  resolve: (result: Result) => void;
  reject: (error: VaultError) => void;
};

/**
 * Lets concurrent calls share statements (DESIGN §9). Calls of one turn of the event loop go together
 * (after its poll phase, when every request that has arrived is read);
 * while `maxInFlight` batches are at work, later calls gather. An idle coalescer sends at once, a busy one
 * sends full batches. Calls are served in the order in which they came.
 *
 * Every call that fails gets an error object of its own (callers note things in it).
 */
export function makeCoalescer<Item, Result>(
  options: CoalescerOptions<Item, Result>,
): (item: Item) => Promise<Result> {
  const { maxItems = 512, maxInFlight = 2, gather, maxQueued, maxWaitMs, clock } = options;
  const settle = makeSettle(options);
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let pumpPlanned = false;
  let pumpTimed = false;

  function planPump(): void {
    if (!pumpPlanned) {
      pumpPlanned = true;
      setImmediate(pump);
    }
  }

  function pump(): void {
    pumpPlanned = false;
    refuseLate();
    while (queue.length > 0 && inFlight < maxInFlight && hasGathered()) {
      const batch = queue;
      queue = batch.splice(maxItems);
      inFlight += 1;
      // `settle` never rejects.
      void settle(batch).then(() => {
        inFlight -= 1;
        pump();
      });
    }
    // Who gathers behind a batch that hangs must not hang with it.
    if (gather !== undefined && queue.length > 0 && inFlight < maxInFlight && !pumpTimed) {
      pumpTimed = true;
      setTimeout(() => {
        pumpTimed = false;
        pump();
      }, gather.ms);
    }
  }

  function hasGathered(): boolean {
    if (gather === undefined || inFlight === 0 || queue.length >= gather.items) return true;
    return clock.monotonic() - (queue[0]?.sinceMs ?? 0) >= gather.ms;
  }

  /** The oldest wait in front, so the first call that is in time ends the search. */
  function refuseLate(): void {
    const now = clock.monotonic();
    const firstInTime = queue.findIndex((call) => now - call.sinceMs <= maxWaitMs);
    const late = queue.splice(0, firstInTime === -1 ? queue.length : firstInTime);
    for (const call of late) {
      call.reject(new VaultError('overloaded', { detail: 'waited too long for a statement' }));
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (queue.length >= maxQueued) {
        reject(new VaultError('overloaded', { detail: 'too many calls wait for the store' }));
        return;
      }
      queue.push({ item, sinceMs: clock.monotonic(), resolve, reject });
      planPump();
    });
}

/** Makes what runs a batch and answers its calls. It never rejects. */
function makeSettle<Item, Result>(options: CoalescerOptions<Item, Result>) {
  type Batch = readonly Waiting<Item, Result>[];

  async function settle(batch: Batch): Promise<void> {
    try {
      const results = await options.run(batch.map((call) => call.item));
      if (results.length !== batch.length) {
        throw new VaultError('internal', { detail: 'a batch must give one result per item' });
      }
      batch.forEach((call, index) => {
        call.resolve(results[index] as Result);
      });
    } catch (error) {
      await settleFailed(batch, error);
    }
  }

  async function settleFailed(batch: Batch, error: unknown): Promise<void> {
    if (batch.length > 1 && options.isItemFault?.(error) === true) {
      // Halving finds one bad item among 512 in some 20 statements, and its neighbours succeed.
      const middle = batch.length >> 1;
      // Side by side: the half that is well need not wait until the other one has failed.
      await Promise.all([settle(batch.slice(0, middle)), settle(batch.slice(middle))]);
      return;
    }
    const code = error instanceof VaultError ? error.code : 'internal';
    for (const call of batch) {
      call.reject(new VaultError(code, { cause: error }));
    }
  }

  return settle;
}
