import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { Operations } from '../../operations/operation.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type Authenticate, makeAuthenticationHook, type Recall } from './authentication.ts';
import { makeClientErrors } from './client-errors.ts';
import { registerDocs } from './docs-routes.ts';
import { installErrorHandling } from './error-handling.ts';
import { installAuditGuard } from './guard.ts';
import { installJsonParser } from './json-body.ts';
import { collectKnownPaths } from './known-paths.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { makeOverload } from './overload.ts';
import { requestIdOf } from './request-id.ts';
import { answerFrameworkError, installRequestTracking } from './request-tracking.ts';
import { ROUTES } from './routes/table.ts';
import { installStreaming } from './streams/streaming.ts';
import { installUnknownRoutes } from './unknown-routes.ts';

export type HttpServerDeps = {
  operations: Operations;
  authenticate: Authenticate;
  /** Spares callers of a moment ago the wait of `authenticate`. Nobody by default. */
  recall?: Recall;
  logger: Logger;
  metrics: Pick<Metrics, 'httpRequest' | 'overload'>;
  limits?: Partial<Limits>;
  /** PEM. Without it the server speaks plain HTTP, for loopback or behind a proxy. */
  tls?: { cert: string; key: string };
  /** CIDR list of proxies whose `X-Forwarded-For` is believed; nobody by default. */
  trustProxy?: readonly string[];
};

/**
 * Makes the REST server; `listen` starts it, `close` drains it. A request passes, in this order:
 * shedding, authentication, the caller's share, route, media type, size, JSON, schema, operation; and every answer passes
 * the audit guard. The operation authorizes and audits: this layer only translates.
 */
export function makeHttpServer(deps: HttpServerDeps): FastifyInstance {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const overload = makeOverload({ ...deps, limits });
  const clientErrors = makeClientErrors(overload);
  const app = create(deps, limits, clientErrors.answer);
  const knownPaths = collectKnownPaths(app);

  // Hooks run in the order of these lines.
  installAuditGuard(app);
  installRequestTracking(app, { ...deps, clientErrors, ended: overload.ended });
  installErrorHandling(app, deps);
  overload.install(app);
  app.addHook('onRequest', makeAuthenticationHook(deps));
  overload.installShares(app);
  installUnknownRoutes(app, knownPaths);
  installJsonParser(app);
  registerDocs(app);
  const { operations } = deps;
  const streaming = installStreaming(app, { ...deps, limits, overload });
  for (const route of ROUTES) {
    route.register(app, { operations, streaming });
  }
  return app;
}

function create(
  deps: HttpServerDeps,
  limits: Limits,
  clientErrorHandler: NonNullable<FastifyServerOptions['clientErrorHandler']>,
): FastifyInstance {
  const node = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: 1000,
    insecureHTTPParser: false,
    // Two spellings of one header in a request are one list, which then is no credential and no media
    // type: a proxy might have read the other one.
    joinDuplicateHeaders: true,
  };
  const options: FastifyServerOptions = {
    // The framework's own lines quote URLs; ours are written by request tracking.
    logger: false,
    genReqId: requestIdOf,
    requestIdHeader: false,
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.idleSocketMs,
    // An absolute-form target (RFC 9112 §3.2.2) would match routes here that a proxy in front did not see.
    rewriteUrl: ({ url = '' }) => (url.startsWith('/') ? url : '/-'),
    routerOptions: { maxParamLength: limits.headerBytes },
    trustProxy: deps.trustProxy === undefined ? false : [...deps.trustProxy],
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
      },
    },
    // Draining is answered by `overload`, as a problem and with the usual headers.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler,
    frameworkErrors: answerFrameworkError,
  };
  // Fastify types its options by the class of the server; this is the one place where that matters.
  const transport: object =
    deps.tls === undefined ? { http: node } : { https: { ...node, ...deps.tls } };
  return Fastify({ ...options, ...transport });
}
