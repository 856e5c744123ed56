import type { FastifyInstance } from 'fastify';
import { parseStrictJson } from '../../domain/json.ts';
import { hasIdempotencyKey } from './idempotency-key.ts';

/**
 * Leaves one body parser: strict JSON over the raw bytes. The framework's own ones are removed, they
 * decode leniently and accept duplicate keys. The text itself is kept only for a call that is to be
 * repeatable.
 */
export function installJsonParser(app: FastifyInstance): void {
  app.decorateRequest('bodyText', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    try {
      const value = parseStrictJson(bytes);
      if (hasIdempotencyKey(request)) request.bodyText = bytes.toString('utf8');
      done(null, value);
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}
