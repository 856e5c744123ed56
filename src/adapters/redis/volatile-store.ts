import type { Redis } from 'ioredis';
import { VaultError } from '../../domain/errors.ts';
import type { VolatileStore, VolatileToken } from '../../operations/ports/volatile-store.ts';
import { decodeVolatile, encodeVolatile } from './volatile-entry.ts';

type Key = { vaultId: number; token: string };

const rowKey = ({ vaultId, token }: Key): string => `counterfoil:volatile:${vaultId}:${token}`;
const leftKey = (key: Key): string => `${rowKey(key)}:left`;

/**
 * Volatile tokens in Redis. Entries end by Redis's own clock and, because whoever writes to Redis could
 * make them live longer, by the sealed end inside them, too.
 *
 * The number of reveals is a key of its own, made before the row: a crash between the two leaves a
 * number without a row, never a row without its limit.
 */
export function makeRedisVolatileStore(deps: {
  redis: Redis;
  clock: { now(): number };
}): VolatileStore {
  const { redis, clock } = deps;

  const find = async (key: Key): Promise<(VolatileToken & { isLimited: boolean }) | undefined> => {
    const entry = decodeVolatile(await answer(redis.getBuffer(rowKey(key))));
    return entry === undefined || entry.expiresAtMs <= clock.now()
      ? undefined
      : { ...entry, ...key };
  };

  const end = async (key: Key): Promise<boolean> => {
    const replies = await answer(redis.multi().del(rowKey(key)).del(leftKey(key)).exec());
    return replies?.[0]?.[1] === 1;
  };

  return {
    async put(row, reveals) {
      const lifeMs = row.expiresAtMs - clock.now();
      if (lifeMs <= 0) return true;
      if (reveals !== undefined) {
        const counted = await answer(redis.set(leftKey(row), reveals, 'PX', lifeMs, 'NX'));
        if (counted === null) return false;
      }
      const entry = encodeVolatile({ ...row, isLimited: reveals !== undefined });
      return (await answer(redis.set(rowKey(row), entry, 'PX', lifeMs, 'NX'))) !== null;
    },

    async find(key) {
      const row = await find(key);
      if (row === undefined) return undefined;
      const { isLimited, ...found } = row;
      const hasLeft = !isLimited || Number(await answer(redis.get(leftKey(key)))) > 0;
      return hasLeft ? found : undefined;
    },

    async takeReveal(key) {
      const row = await find(key);
      if (row === undefined) return false;
      if (!row.isLimited) return true;
      // One command, so that no two callers see the same number. Below zero: another one took the last.
      const left = await answer(redis.decr(leftKey(key)));
      if (left <= 0) await end(key);
      return left >= 0;
    },

    end,

    async close() {
      redis.disconnect();
    },
  };
}

/** The driver's errors quote commands with their arguments, tokens among them: only their names go further. */
async function answer<Reply>(reply: Promise<Reply>): Promise<Reply> {
  try {
    return await reply;
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    // biome-ignore lint/style/useErrorCause: the cause is what must not go further
    throw new VaultError('store_unavailable', { detail: `Redis did not answer: ${name}` });
  }
}
