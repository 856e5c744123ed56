type Entry<Value> = { value: Promise<Value>; startedAtMs: number };

/** `get(key, load)`: the cached value of `key`, or what `load` gives. */
export type TimedCache<Value> = {
  get(key: string, load: () => Promise<Value>): Promise<Value>;
};

/**
 * Remembers loaded values for at most `maxAgeMs`, counted from the start of the load: what a key service
 * said before it was told to stop must not live longer. Concurrent callers share one load; a failed load
 * is forgotten at once. Aged entries are dropped whenever something is loaded.
 */
export function makeTimedCache<Value>(deps: {
  maxAgeMs: number;
  clock: { monotonic(): number };
}): TimedCache<Value> {
  const entries = new Map<string, Entry<Value>>();
  const isAged = ({ startedAtMs }: Entry<Value>): boolean =>
    deps.clock.monotonic() - startedAtMs >= deps.maxAgeMs;

  const dropAged = (): void => {
    for (const [key, entry] of entries) {
      if (isAged(entry)) {
        entries.delete(key);
      }
    }
  };

  const start = (key: string, load: () => Promise<Value>): Promise<Value> => {
    const entry: Entry<Value> = { startedAtMs: deps.clock.monotonic(), value: load() };
    entries.set(key, entry);
    entry.value.catch(() => {
      // Only its own entry: a newer load may have taken the place.
      if (entries.get(key) === entry) {
        entries.delete(key);
      }
    });
    return entry.value;
  };

  return {
    get: (key, load) => {
      const entry = entries.get(key);
      if (entry !== undefined && !isAged(entry)) {
        return entry.value;
      }
      dropAged();
      return start(key, load);
    },
  };
}
