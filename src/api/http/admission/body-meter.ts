import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest, RequestPayload } from 'fastify';
import { VaultError } from '../../../domain/errors.ts';

/**
 * Has the bodies counted that declare no length (chunked), as they arrive; Node takes no byte more than was
 * declared of all others. `count` is true while there is memory for them.
 */
export function installBodyMeter(
  app: FastifyInstance,
  count: (request: FastifyRequest, bytes: number) => boolean,
): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const isCounted = request.headers['transfer-encoding'] !== undefined && !isLines(request);
    done(null, isCounted ? meter(payload, (bytes) => count(request, bytes)) : payload);
  });
}

/** NDJSON is read window by window and never kept. Other routes refuse the type before they read the body. */
export function isLines({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('application/x-ndjson') === true;
}

/** Passes a body on until it is refused; what the client still sends is then dropped, so that it reads the answer. */
function meter(body: RequestPayload, count: (bytes: number) => boolean): RequestPayload {
  const metered = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (count(chunk.length)) {
        done(null, chunk);
        return;
      }
      body.unpipe(metered);
      body.resume();
      done(new VaultError('overloaded', { detail: 'bodies fill the memory' }));
    },
  });
  body.once('error', (error) => metered.destroy(error));
  return body.pipe(metered);
}
