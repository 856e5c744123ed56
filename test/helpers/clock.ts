import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/operations/ports/clock.ts';

/** The machine's own time, for tests against real servers. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms) => {
    await sleep(ms);
  },
};
