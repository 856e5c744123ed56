import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { VaultError } from '../../domain/errors.ts';
import type { Limits } from './limits.ts';

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
    pressureHandler: () => {
      throw new VaultError('overloaded');
    },
  });
}
