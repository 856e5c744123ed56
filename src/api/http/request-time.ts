import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** After the answer to a request that has no deadline, the time that the rest of it gets to arrive. */
const REST_MS = 2_000;

/** Time for requests to arrive, whatever becomes of them. */
export type RequestTime = {
  /** Takes a request's deadline away: it may arrive for as long as its connection is not idle. */
  lift(request: IncomingMessage): void;
};

/**
 * Cuts the connection of a request whose body has not arrived in time. In place of Node's own
 * `requestTimeout`, which knows no exception: a stream arrives for as long as it is worked on. That ends with
 * its answer: nobody uploads for ever to somebody who has stopped reading.
 */
export function installRequestTime(server: Server, requestMs: number): RequestTime {
  const lifts = new WeakMap<IncomingMessage, () => void>();
  // Before the framework's own listener, which may lift it at once.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const cut = () => {
      if (!request.complete) request.destroy();
    };
    let timer = setTimeout(cut, requestMs);
    request.once('close', () => clearTimeout(timer));
    lifts.set(request, () => {
      clearTimeout(timer);
      response.once('finish', () => {
        if (!request.complete) timer = setTimeout(cut, REST_MS);
      });
    });
  });
  return { lift: (request) => lifts.get(request)?.() };
}
