import type { TestContext } from 'node:test';
import type { Principal } from '../../src/domain/access/principal.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { type FakeOptions, GOOD_BODY, makeFakeService, TOKENIZE } from './fake-service.ts';

/** A large body, of which a few fill the memory that tests give. */
export const LARGE = { field: 'email', value: 'x'.repeat(40 * 1024) };

const principalOf = (authorization: string | undefined): Principal => ({
  subject: authorization ?? 'nobody',
  issuer: 'https://issuer.example',
  roles: ['app'],
  vaults: '*',
  mfa: false,
  credential: 'jwt:test',
});

/** A service whose tokenize takes until `finish` is called; `detokenize` answers at once. */
export function makeBusyService(t: TestContext, options: FakeOptions = {}) {
  const verified: (string | undefined)[] = [];
  const finished = Promise.withResolvers<void>();
  let entered = 0;
  const service = makeFakeService({
    authenticate: async (authorization) => {
      verified.push(authorization);
      if (authorization === 'Bearer wrong') throw new VaultError('unauthenticated');
      return principalOf(authorization);
    },
    operations: {
      tokenize: async () => {
        entered += 1;
        await finished.promise;
        return { output: { token: 'tok_1' }, receipt: { eventId: 'e' } };
      },
    },
    ...options,
  });
  t.after(async () => {
    finished.resolve();
    await service.app.close();
  });
  return {
    ...service,
    verified,
    finish: () => finished.resolve(),
    /** Sends calls that stay, and waits until all are at work. */
    async occupy(count: number, as = 'Bearer greedy', body: object = GOOD_BODY) {
      const answers = Array.from({ length: count }, () =>
        service.post(TOKENIZE, body, { authorization: as }),
      );
      while (entered < count) await new Promise(setImmediate);
      return answers;
    },
    refusedFor: async (reason: string): Promise<number> => {
      const { body } = await service.metrics.expose();
      const line = new RegExp(`overload_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(body);
      return Number(line?.[1] ?? 0);
    },
  };
}
