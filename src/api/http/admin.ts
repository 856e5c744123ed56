import Fastify, { type FastifyInstance } from 'fastify';
import { VaultError } from '../../domain/errors.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { toVaultError } from './failure.ts';
import { prepareProblem } from './problem.ts';
import { answerFrameworkError } from './request-tracking.ts';
import { API_HEADERS } from './security-headers.ts';

/** Whether the service can work, and which of its parts can. Names only: no addresses, no errors. */
export type Readiness = { ok: boolean; checks: Record<string, boolean> };

/**
 * Makes the server of the admin port, for probes and Prometheus; it knows no vault and no value.
 * `/livez` says that the event loop turns, and never asks a dependency: a database outage must not make
 * an orchestrator restart every instance. `/readyz` says whether to send requests here.
 */
export function makeAdminServer(deps: {
  ready: () => Promise<Readiness>;
  metrics: Pick<Metrics, 'expose'>;
}): FastifyInstance {
  const app = Fastify({
    logger: false,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    bodyLimit: 1024,
    forceCloseConnections: 'idle',
    frameworkErrors: answerFrameworkError,
  });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(API_HEADERS);
    done();
  });
  app.get('/livez', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const { ok, checks } = await deps.ready().catch(() => ({ ok: false, checks: {} }));
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', checks });
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await deps.metrics.expose();
    return reply.type(contentType).send(body);
  });
  app.setNotFoundHandler((_request, reply) => {
    reply.send(prepareProblem(reply, new VaultError('not_found')));
  });
  app.setErrorHandler((error, _request, reply) => {
    reply.send(prepareProblem(reply, toVaultError(error)));
  });
  return app;
}
