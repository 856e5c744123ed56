import type { FastifyInstance } from 'fastify';
import { parseStrictJson } from '../../domain/json.ts';

/**
 * Leaves one body parser: strict JSON over the raw bytes. The framework's own ones are removed, they
 * decode leniently and accept duplicate keys.
 */
export function installJsonParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseStrictJson(Buffer.isBuffer(body) ? body : Buffer.from(body)));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}
