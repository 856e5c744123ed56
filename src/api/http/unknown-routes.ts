import type { FastifyContextConfig, FastifyInstance } from 'fastify';
import { VaultError } from '../../domain/errors.ts';
import type { KnownPaths } from './known-paths.ts';

/**
 * Answers what no route takes: 405 for a known path with another method, else 404. Below `/v1` this
 * comes after authentication and is on record, so that strangers learn nothing of what exists there.
 * It happens before the body is read: there is nobody to read it for.
 */
export function installUnknownRoutes(app: FastifyInstance, knownPaths: KnownPaths): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) {
      done();
      return;
    }
    const [path = ''] = request.url.split('?', 1);
    const methods = knownPaths.methodsOf(path);
    if (methods === undefined) {
      done(new VaultError('not_found'));
      return;
    }
    reply.header('allow', methods.join(', '));
    done(new VaultError('method_not_allowed'));
  });
  const handler = () => {
    throw new VaultError('not_found');
  };
  app.setNotFoundHandler(withConfig({ auth: 'public', audit: 'none' }), handler);
  app.register(
    (scope, _options, done) => {
      scope.setNotFoundHandler(withConfig({ auth: 'bearer', audit: 'required' }), handler);
      done();
    },
    { prefix: '/v1' },
  );
}

/** The framework reads `config` here, too; only its types do not say so. */
function withConfig(config: FastifyContextConfig): object {
  return { config };
}
