import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** After the answer to a request that has no deadline, the time that the rest of it gets to arrive. */
const REST_MS = 2_000;

/** Time for requests to arrive, whatever becomes of them. */
export type RequestTime = {
  /** Takes a request's deadline away: it may arrive for as long as its connection is not idle. */
  lift(request: IncomingMessage, response: ServerResponse): void;
};

/**
 * Cuts the connection of a request whose body has not arrived in time. In place of Node's own
 * `requestTimeout`, which knows no exception: a stream arrives for as long as it is worked on. That ends with
 * its answer: nobody uploads for ever to somebody who has stopped reading.
 */
export function installRequestTime(server: Server, requestMs: number): RequestTime {
  // By age: all get the same time, so the first one is always the next to be late. One timer for all of
  // them; one for each request was 3 % of the CPU of a small one.
  const arriving = new Map<IncomingMessage, number>();
  let timer: NodeJS.Timeout | undefined;

  const arm = (delayMs: number) => {
    timer = setTimeout(sweep, delayMs).unref();
  };
  const sweep = () => {
    timer = undefined;
    for (const [request, lateAtMs] of arriving) {
      const leftMs = lateAtMs - performance.now();
      if (leftMs > 0) {
        arm(leftMs);
        return;
      }
      arriving.delete(request);
      cut(request);
    }
  };
  function forget(this: IncomingMessage) {
    arriving.delete(this);
  }

  // Before the listener that has the request worked on, which may lift it at once.
  server.prependListener('request', (request: IncomingMessage) => {
    arriving.set(request, performance.now() + requestMs);
    request.on('close', forget);
    if (timer === undefined) arm(requestMs);
  });
  return {
    lift(request, response) {
      if (!arriving.delete(request)) return;
      response.once('finish', () => {
        if (request.complete) return;
        const rest = setTimeout(() => cut(request), REST_MS);
        request.once('close', () => clearTimeout(rest));
      });
    },
  };
}

function cut(request: IncomingMessage): void {
  if (!request.complete) request.destroy();
}
