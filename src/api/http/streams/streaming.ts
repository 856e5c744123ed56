import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Operations } from '../../../operations/operation.ts';
import type { Authenticate } from '../authentication.ts';
import { sourceOf } from '../context.ts';
import type { Limits } from '../limits.ts';
import type { Overload } from '../overload.ts';
import { installRequestTime, type RequestTime } from '../request-time.ts';
import { makeSlots, type Slots } from './slots.ts';

/** What streams need of the server, for as long as they last. */
export type Streaming = {
  slots: Slots;
  overload: Pick<Overload, 'rest' | 'room'>;
  requestTime: RequestTime;
  maxLineBytes: number;
  /** Aborted when the server begins to drain. */
  draining: AbortSignal;
  /** Whether the credential of a request is still good: a stream may outlive it. */
  holds: (request: FastifyRequest) => Promise<boolean>;
};

/** Prepares a server for streams, and bounds the time that all other requests may take to arrive. */
export function installStreaming(
  app: FastifyInstance,
  deps: {
    limits: Limits;
    overload: Pick<Overload, 'rest' | 'room'>;
    authenticate: Authenticate;
    operations: Pick<Operations, 'authFailed'>;
  },
): Streaming {
  const { limits } = deps;
  const draining = new AbortController();
  app.addHook('preClose', (done) => {
    draining.abort();
    done();
  });
  return {
    slots: makeSlots(limits),
    overload: deps.overload,
    requestTime: installRequestTime(app.server, limits.requestMs),
    maxLineBytes: limits.bodyBytes,
    draining: draining.signal,
    holds: async (request) => {
      try {
        await deps.authenticate(request.headers.authorization);
        return true;
      } catch {
        deps.operations.authFailed(sourceOf(request));
        return false;
      }
    },
  };
}
