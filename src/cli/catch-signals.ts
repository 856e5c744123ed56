import type { EventEmitter } from 'node:events';
import type { StopSignals } from '../app/stop-signals.ts';

/** SIGHUP is the terminal that was closed: whatever else would stay behind must end then, too. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Turns signals into wishes. A second one means hurry, but only after a second: npm passes on the
 * Ctrl-C that the terminal has sent to all its children already.
 */
export function catchSignals(
  source: Pick<EventEmitter, 'on'>,
  now: () => number = () => performance.now(),
): StopSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    source.on(signal, () => {
      firstAt ??= now();
      stop.abort();
      if (now() - firstAt >= 1000) {
        hurry.abort();
      }
    });
  }
  return { stop: stop.signal, hurry: hurry.signal };
}
