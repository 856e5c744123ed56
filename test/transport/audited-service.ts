import { makeStory } from '../helpers/audit-story.ts';
import { callAs } from '../helpers/operations.ts';
import { makeFakeService } from './fake-service.ts';

/**
 * The real HTTP server over the real operations in memory, with the history of `makeStory`. A credential is
 * `Bearer <role>`.
 */
export async function makeAuditedService() {
  const story = await makeStory();
  const service = makeFakeService({
    operations: story.operations,
    authenticate: async (authorization) => {
      const role = /^Bearer ([a-z-]+)$/.exec(authorization ?? '')?.[1];
      if (role === undefined) throw new Error('no credential');
      return callAs(role, { vaults: '*' }).principal;
    },
  });
  const send = (method: 'GET' | 'HEAD' | 'POST', role: string | undefined, url: string) => {
    const authorization = role === undefined ? {} : { authorization: `Bearer ${role}` };
    return (body?: object, headers: Record<string, string> = {}) =>
      service.app.inject({
        method,
        url,
        headers: {
          ...authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      });
  };
  return {
    ...service,
    story,
    getAs: (role: string | undefined, url: string, headers?: Record<string, string>) =>
      send('GET', role, url)(undefined, headers),
    headAs: (role: string | undefined, url: string) => send('HEAD', role, url)(),
    postAs: (role: string, url: string, body: object, headers?: Record<string, string>) =>
      send('POST', role, url)(body, headers),
  };
}
