import type { Readable } from 'node:stream';
import { VaultError } from '../../../domain/errors.ts';

/** What arrives of a body that is still being sent. */
export type Arrivals = {
  /**
   * All that has arrived since the last call, or what arrives next. `undefined` once the body is complete
   * or the reading was stopped. Rejects when the client is gone. One call at a time.
   */
  next(): Promise<Buffer | undefined>;
  /** True once `next` has given all there was. */
  isComplete(): boolean;
  /** Ends the reading, a pending `next` included. What still comes is dropped: nobody waits for it. */
  stop(): void;
};

const EVENTS = ['readable', 'end', 'error', 'close'];

/**
 * Reads a body piece by piece. Between two calls it arrives only until the stream's own buffer is full:
 * then the client has to wait. Not the stream's own iterator, which cannot be stopped while it waits
 * without closing the connection. `signal` stops it, too.
 */
export function makeArrivals(body: Readable, signal: AbortSignal): Arrivals {
  let isStopped = false;
  let isComplete = false;
  let wake: () => void = () => undefined;
  const listener = () => wake();
  for (const event of EVENTS) body.on(event, listener);
  const isOver = () => {
    isComplete = body.readableEnded;
    if (body.destroyed && !isComplete) {
      throw new VaultError('invalid_request', { detail: 'the client went away' });
    }
    return isComplete;
  };
  const stop = () => {
    if (isStopped) return;
    isStopped = true;
    signal.removeEventListener('abort', stop);
    // The listener for errors stays: a client that goes away now is no news.
    body.off('readable', listener);
    body.resume();
    wake();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return {
    async next() {
      while (!isStopped) {
        const bytes: Buffer | null = body.read();
        if (bytes !== null) return bytes;
        if (isOver()) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return undefined;
    },
    isComplete: () => isComplete,
    stop,
  };
}
