import { fitting } from './basis.ts';
import type { Waiting } from './queue.ts';
import type { Slot } from './slot.ts';

/** One place of the 512 is the start leaf's. */
const MAX_EVENTS = 511;

/** The queue in front of the writers. */
export type Lane = {
  /** Events that no batch has taken yet. */
  queue(): readonly Waiting[];
  add(waiting: Waiting): void;
  /** Lets idle writers show that they live. */
  beat(): void;
};

/** Hands waiting events to idle writers, in the order in which they came. */
export function makeLane(slots: readonly Slot[]): Lane {
  let queue: Waiting[] = [];
  let pumpPlanned = false;

  function pump(): void {
    pumpPlanned = false;
    for (const idle of slots.filter(({ busy }) => !busy)) {
      // Whoever was answered already withheld the data: the event need not be written any more.
      queue = queue.filter(({ answered }) => !answered);
      if (queue.length === 0) {
        return;
      }
      // `write` never rejects.
      void idle.write(queue.splice(0, fitting(queue, MAX_EVENTS))).then((left) => {
        queue.unshift(...left);
        pump();
      });
    }
  }

  return {
    queue: () => queue,
    add(waiting) {
      queue.push(waiting);
      if (!pumpPlanned) {
        pumpPlanned = true;
        // Events of one turn of the event loop go together, as calls do in the coalescer.
        setImmediate(pump);
      }
    },
    beat() {
      for (const slot of slots) {
        // Neither rejects; what came meanwhile has waited for this writer.
        void slot.beat().then(pump);
      }
    },
  };
}
