import type { Pool } from 'pg';
import type { RandomBytes } from '../../../../crypto/random.ts';
import { type ActiveShard, findActiveShard, openShard, yearOf } from '../shards.ts';

export type EnsureShardDeps = {
  pool: Pool;
  clock: { now(): number };
  random: RandomBytes;
  /** Origin of the log, without the shard. */
  baseOrigin: string;
  /** Verifier keys of a shard. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
};

/**
 * Opens the shard of the clock's year (UTC) when the active one is of an earlier year, or there is none.
 * `undefined` when another instance is about to do so.
 */
export async function ensureShard(deps: EnsureShardDeps): Promise<ActiveShard | undefined> {
  const active = await findActiveShard(deps.pool);
  const atMs = deps.clock.now();
  const year = new Date(atMs).getUTCFullYear();
  // A clock that is behind leaves the shard of the coming year alone.
  if (active !== undefined && yearOf(active.shard) >= year) {
    return active;
  }
  const { pool, baseOrigin, vkeysOf, random } = deps;
  return openShard({ pool }, { baseOrigin, year, replaces: active?.logId, vkeysOf, atMs, random });
}
