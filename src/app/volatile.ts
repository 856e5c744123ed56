import { makeMemoryVolatileStore } from '../adapters/memory/volatile-store.ts';
import { makeRedisVolatileStore } from '../adapters/redis/volatile-store.ts';
import { VaultError } from '../domain/errors.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { Vault } from '../operations/ports/vault-registry.ts';
import type { VolatileStore } from '../operations/ports/volatile-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { seldom } from './seldom.ts';

/** Where values of volatile fields are kept: `memory` is one process's own, for development. */
export type VolatilePlace = { kind: 'memory' } | { kind: 'redis'; url: string } | { kind: 'none' };

/**
 * Opens the place of volatile values. A Redis that cannot be reached is no reason not to start: the calls
 * that need it fail until it is back, all others work.
 */
export async function openVolatileStore(
  place: VolatilePlace,
  { clock, logger }: { clock: Clock; logger: Pick<Logger, 'warn'> },
): Promise<VolatileStore> {
  if (place.kind !== 'redis') return makeMemoryVolatileStore({ clock });
  // The driver is 2 MiB of heap: only who has a Redis loads it.
  const { makeRedisClient } = await import('../adapters/redis/client.ts');
  const failed = seldom(clock, (error: unknown) => logger.warn('redis_unavailable', {}, error));
  const redis = makeRedisClient({ url: place.url, failed });
  // It goes on trying by itself, and tells `failed` why.
  redis.connect().catch(() => {});
  return makeRedisVolatileStore({ redis, clock });
}

/**
 * Values of volatile fields must be found by every instance and outlive none of them for long: a service in
 * production does not keep them in its own memory.
 * @throws VaultError with a line for the operator, when its policy has such a field and there is no place
 */
export function checkVolatile(
  place: VolatilePlace,
  { name, policy }: Pick<Vault, 'name' | 'policy'>,
): void {
  const field = [...policy.fields.values()].find(({ token }) => token.mode === 'volatile');
  if (place.kind === 'none' && field !== undefined) {
    throw new VaultError('policy_invalid', {
      detail: `Field ${field.name} of vault ${name} is volatile, and its values are kept in Redis: set REDIS_URL.`,
    });
  }
}
