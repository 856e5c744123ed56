import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Refusal } from './admission.ts';
import type { Brake } from './brake.ts';

/** Refuses requests in front of the framework. */
export type Door = {
  /** Stands between the server and its framework from now on, and answers in a hook for what was refused. */
  guard(app: FastifyInstance): void;
};

/**
 * Makes the door of one server. What is refused here has been parsed, and nothing else: a burst of thousands of
 * requests would otherwise make those wait that were let in. It goes to the framework when the brake lets it leave, for
 * its route, id, log line and answer.
 *
 * @param deps.closed why nobody is let in now, if so
 * @param deps.refused told of each refusal, once
 */
export function makeDoor(deps: {
  closed: () => Refusal | undefined;
  refused: (refusal: Refusal) => void;
  brake: Brake;
  sendRefusal: (reply: FastifyReply) => void;
}): Door {
  const { closed, refused, brake, sendRefusal } = deps;
  /** Of what was refused, by `performance.now`. */
  const cameAtMs = new WeakMap<IncomingMessage, number>();
  return {
    guard(app) {
      app.server.off('request', app.routing);
      app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        // Answers on a connection leave in order. What was let in behind a refusal that is held would keep its place
        // until that has left, and a single client could take all places so (pipelining, RFC 9112 §9.3.2).
        const refusal = brake.isHolding(request.socket) ? 'full' : closed();
        if (refusal === undefined) {
          app.routing(request, response);
          return;
        }
        refused(refusal);
        cameAtMs.set(request, performance.now());
        brake.hold(response, () => app.routing(request, response));
      });
      app.addHook('onRequest', (request, reply, done) => {
        const startedMs = cameAtMs.get(request.raw);
        if (startedMs === undefined) {
          done();
          return;
        }
        request.startedMs = startedMs;
        sendRefusal(reply);
      });
    },
  };
}
