import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { VaultError } from '../../domain/errors.ts';
import type { Limits } from './limits.ts';

/** A process that has just started compiles and warms up: that lag is no load, and sheds nobody. */
const WARM_UP_MS = 5_000;

/**
 * Sheds requests with 503 before they cost anything: above the number in flight, when the event loop
 * lags or the heap fills, and while the server drains. Event loop utilisation is no measure here: a
 * healthy instance at full load has 1.
 */
export function installShedding(
  app: FastifyInstance,
  deps: { limits: Limits; requestsInFlight: () => number },
): void {
  let isDraining = false;
  let warmAtMs = Number.POSITIVE_INFINITY;
  app.addHook('onReady', (done) => {
    warmAtMs = performance.now() + WARM_UP_MS;
    done();
  });
  app.addHook('preClose', (done) => {
    isDraining = true;
    done();
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    const isFull = deps.requestsInFlight() > deps.limits.requestsInFlight;
    done(isDraining || isFull ? new VaultError('overloaded') : undefined);
  });
  app.register(underPressure, {
    sampleInterval: 1000,
    maxEventLoopDelay: deps.limits.eventLoopDelayMs,
    maxHeapUsedBytes: deps.limits.heapUsedBytes,
    pressureHandler: (_request, _reply, type) => {
      if (type !== 'eventLoopDelay' || performance.now() >= warmAtMs) {
        throw new VaultError('overloaded');
      }
    },
  });
}
