/** Runs work now, or when its turn comes. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets `atOnce` pieces of work run at a time; the others wait, first come, first served. */
export function makeTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The turn is handed on, never free in between: a newcomer cannot take it from one who waits.
      if (next === undefined) free += 1;
      else next();
    }
  };
}
