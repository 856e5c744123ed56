/** Remembers since when something has been so. */
export type Patience = {
  /** True when this was asked for the first time at least `ms` ago, and at every pass since. */
  isOver(key: string, ms: number): boolean;
  /** Ends a pass: what was not asked for in it is forgotten. */
  endPass(): void;
  /** Forgets all: nobody looked for a while, so nothing is known to have been so all the time. */
  reset(): void;
};

/** How this process sees to it that it waited itself, whatever times the database tells. */
export function makePatience(clock: { monotonic(): number }): Patience {
  let since = new Map<string, number>();
  let asked = new Set<string>();
  return {
    isOver(key, ms) {
      asked.add(key);
      const nowMs = clock.monotonic();
      const firstMs = since.get(key) ?? nowMs;
      since.set(key, firstMs);
      return nowMs - firstMs >= ms;
    },
    endPass() {
      since = new Map([...since].filter(([key]) => asked.has(key)));
      asked = new Set();
    },
    reset() {
      since = new Map();
      asked = new Set();
    },
  };
}
