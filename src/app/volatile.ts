import { makeMemoryVolatileStore } from '../adapters/memory/volatile-store.ts';
import { makeRedisClient } from '../adapters/redis/client.ts';
import { makeRedisVolatileStore } from '../adapters/redis/volatile-store.ts';
import { VaultError } from '../domain/errors.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { VaultRegistry } from '../operations/ports/vault-registry.ts';
import type { VolatileStore } from '../operations/ports/volatile-store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Between two lines about a Redis that does not answer, in milliseconds. */
const WARN_EVERY_MS = 10_000;

/** Where values of volatile fields are kept: `memory` is one process's own, for development. */
export type VolatilePlace = { kind: 'memory' } | { kind: 'redis'; url: string } | { kind: 'none' };

/**
 * Opens the place of volatile values. A Redis that cannot be reached is no reason not to start: the calls
 * that need it fail until it is back, all others work.
 */
export function openVolatileStore(
  place: VolatilePlace,
  { clock, logger }: { clock: Clock; logger: Pick<Logger, 'warn'> },
): VolatileStore {
  if (place.kind !== 'redis') return makeMemoryVolatileStore({ clock });
  let warnedMs = Number.NEGATIVE_INFINITY;
  const failed = (error: unknown) => {
    if (clock.monotonic() - warnedMs < WARN_EVERY_MS) return;
    warnedMs = clock.monotonic();
    logger.warn('redis_unavailable', {}, error);
  };
  const redis = makeRedisClient({ url: place.url, failed });
  // It goes on trying by itself, and tells `failed` why.
  redis.connect().catch(() => {});
  return makeRedisVolatileStore({ redis, clock });
}

/**
 * Values of volatile fields must be found by every instance and outlive none of them for long: a service in
 * production does not keep them in its own memory.
 * @throws VaultError with a line for the operator, when a policy has such fields and there is no place
 */
export function checkVolatile(place: VolatilePlace, vaults: Pick<VaultRegistry, 'all'>): void {
  if (place.kind !== 'none') return;
  for (const { name, policy } of vaults.all()) {
    const field = [...policy.fields.values()].find(({ token }) => token.mode === 'volatile');
    if (field !== undefined) {
      throw new VaultError('policy_invalid', {
        detail: `Field ${field.name} of vault ${name} is volatile, and its values are kept in Redis: set REDIS_URL.`,
      });
    }
  }
}
