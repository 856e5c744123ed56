const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 30_000;

/** Keeps callers away from something that fails, until it works again. */
export type Breaker = {
  /** True while it is left alone. */
  isOpen(): boolean;
  /** It failed, or was slow. */
  trip(): void;
  /** Ends the attempts; it stays as it is. */
  close(): void;
};

/**
 * Makes a breaker. After a trip nobody but `probe` asks, after 2 s and then after twice as long each time, up to
 * 30 s; callers come back when it resolves to true. Who trips again soon after goes on where it was.
 *
 * @param deps.probe must not reject
 * @param deps.pauses other pauses, in milliseconds, for tests
 */
export function makeBreaker(deps: {
  probe: () => Promise<boolean>;
  clock: { monotonic(): number };
  pauses?: { firstMs: number; maxMs: number };
}): Breaker {
  const { firstMs, maxMs } = deps.pauses ?? { firstMs: FIRST_PAUSE_MS, maxMs: MAX_PAUSE_MS };
  let isOpen = false;
  let pauseMs = firstMs;
  let mendedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  function wait(): void {
    timer = setTimeout(() => void retry(), pauseMs);
    timer.unref();
    pauseMs = Math.min(pauseMs * 2, maxMs);
  }

  async function retry(): Promise<void> {
    const isMended = await deps.probe();
    if (!isMended) {
      wait();
      return;
    }
    isOpen = false;
    mendedAtMs = deps.clock.monotonic();
  }

  return {
    isOpen: () => isOpen,
    trip() {
      if (isOpen) return;
      isOpen = true;
      if (deps.clock.monotonic() - mendedAtMs > maxMs) pauseMs = firstMs;
      wait();
    },
    close() {
      // No attempt ends it any more.
      isOpen = true;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
