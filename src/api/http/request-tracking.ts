import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { makeClientErrors } from './client-errors.ts';
import { toVaultError } from './failure.ts';
import { prepareProblem } from './problem.ts';
import { API_HEADERS } from './security-headers.ts';

type TrackingDeps = {
  logger: Logger;
  metrics: Pick<Metrics, 'httpRequest'>;
  clientErrors: ReturnType<typeof makeClientErrors>;
  /** Told of every request that is over, whoever ended it. */
  ended: (request: FastifyRequest, ms: number) => void;
};

/**
 * Gives every answer its request id and headers, and writes one log line and
 * one measurement when a request is over, also when the client went away. Neither holds a URL, a header
 * or a body: the route is the pattern that it was declared with.
 */
export function installRequestTracking(app: FastifyInstance, deps: TrackingDeps): void {
  app.decorateRequest('routed', undefined);
  app.decorateRequest('principal', undefined);
  app.decorateRequest('auditReceipt', undefined);
  app.decorateRequest('failureBody', undefined);
  app.decorateRequest('startedMs', 0);

  app.addHook('onRequest', (request, reply, done) => {
    const routed = request.routeOptions;
    request.routed = routed;
    deps.clientErrors.requestBegan(request.raw);
    request.startedMs = performance.now();
    reply.header('x-request-id', request.id);
    // Pages get theirs from helmet.
    if (request.is404 || routed.config.isPage !== true) {
      reply.headers(API_HEADERS);
    }
    // `onResponse` misses clients that hang up; an answer closes once, whatever happens.
    reply.raw.on('close', () => {
      deps.clientErrors.requestEnded(request.raw);
      finish(request, reply, deps);
    });
    done();
  });
}

function finish(
  request: FastifyRequest,
  reply: FastifyReply,
  { logger, metrics, ended }: TrackingDeps,
): void {
  const ms = performance.now() - request.startedMs;
  ended(request, ms);
  const route = request.is404 ? '(unknown)' : (request.routed?.url ?? '(unknown)');
  const { method, id: requestId } = request;
  const status = reply.statusCode;
  metrics.httpRequest({ route, method, status, seconds: ms / 1000 });
  logger.info('request', {
    method,
    route,
    status,
    ms: Math.round(ms * 100) / 100,
    requestId,
    aborted: reply.raw.writableEnded ? undefined : true,
  });
}

/** Answers what the router itself cannot read (a broken percent-encoding), outside of all hooks. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { code } = toVaultError(error);
  reply.headers({ ...API_HEADERS, 'x-request-id': request.id });
  reply.send(prepareProblem(reply, { code, problems: [] }));
}
