import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify';
import { VaultError } from '../../../domain/errors.ts';
import { SMALL_BODY_BYTES } from './admission.ts';

/**
 * Has the bodies counted, as they arrive, that are large or declare no length (chunked). `count` is true while
 * there is memory for them.
 */
export function installBodyMeter(
  app: FastifyInstance,
  count: (request: FastifyRequest, bytes: number) => boolean,
): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    const isLarge = encoding !== undefined || Number(length) > SMALL_BODY_BYTES;
    const isCounted = isLarge && !isLines(request);
    done(null, isCounted ? meter(payload, reply, (bytes) => count(request, bytes)) : payload);
  });
}

const LINES = /^application\/x-ndjson/i;

/** NDJSON is read window by window and never kept. Other routes refuse the type before they read the body. */
export function isLines({ headers }: FastifyRequest): boolean {
  return LINES.test(headers['content-type'] ?? '');
}

/** Passes a body on until it is refused; what the client still sends is then dropped, so that it reads the answer. */
function meter(
  body: RequestPayload,
  reply: FastifyReply,
  count: (bytes: number) => boolean,
): RequestPayload {
  const drop = () => {
    body.unpipe(metered);
    body.resume();
  };
  const metered = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (count(chunk.length)) {
        done(null, chunk);
        return;
      }
      drop();
      done(new VaultError('overloaded', { detail: 'bodies fill the memory' }));
    },
  });
  // What nobody reads (of a GET) Node drops by itself after the answer, but not what is piped: it would stand in
  // front of the next request.
  reply.raw.once('finish', drop);
  body.once('error', (error) => metered.destroy(error));
  return body.pipe(metered);
}
