import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { LogSigner } from '../../../../crypto/log-signer.ts';
import type { RandomBytes } from '../../../../crypto/random.ts';
import type { Logger } from '../../../../telemetry/logger.ts';
import { emptyRoot } from '../../../../tlog/hash.ts';
import { openShard } from '../shards.ts';
import type { Contradiction, SignedTree } from './check.ts';
import type { ShardState } from './rows.ts';

/** Tries for the lock of the log, within one round. */
const ATTEMPTS = 10;
const PAUSE_MS = 50;

const EVENTS = {
  went_backwards: 'audit_log_went_backwards',
  inconsistent: 'audit_log_inconsistent',
} as const satisfies Record<Contradiction, string>;

/** A shard whose database contradicts what was signed: in which way, and what was signed. */
export type Finding = {
  state: ShardState;
  contradiction: Contradiction;
  signed: readonly SignedTree[];
};

/**
 * Makes the answer to a contradiction (AUDIT-LOG §4.6, §4.11): an alarm, once for each shard, and for the
 * active one a successor whose first leaf cites the largest tree that was signed. The old shard is frozen
 * as it is, and nothing more of it is ever signed. Rejects when the successor could not be opened; the
 * next round finds the same contradiction and tries again.
 */
export function makeAlarm(deps: {
  pool: Pool;
  baseOrigin: string;
  signer: LogSigner;
  logger: Logger;
  clock: { now(): number };
  random: RandomBytes;
}): (finding: Finding) => Promise<void> {
  const { pool, baseOrigin, logger, clock, random } = deps;
  const { vkeysOf } = deps.signer;
  const alarmed = new Set<number>();
  return async ({ state, contradiction, signed }) => {
    const { logId, shard, origin, size, isActive } = state;
    const rolledBackTo = largest(origin, signed);
    if (!alarmed.has(logId)) {
      alarmed.add(logId);
      logger.error(EVENTS[contradiction], { shard, size, signedSize: rolledBackTo.size });
    }
    if (!isActive) return;
    const atMs = clock.now();
    const year = new Date(atMs).getUTCFullYear();
    const input = { baseOrigin, year, replaces: logId, rolledBackTo, vkeysOf, atMs, random };
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const opened = await openShard({ pool }, input);
      if (opened !== undefined) {
        logger.warn('audit_shard_replaced', { shard, successor: opened.shard });
        return;
      }
      // Another instance was faster, or the sequencer has the lock and will let go of it soon.
      await sleep(PAUSE_MS);
    }
  };
}

/** Nothing at all was signed of a tree that never had the root it claims. */
function largest(origin: string, signed: readonly SignedTree[]) {
  const none: SignedTree = { size: 0, root: emptyRoot() };
  const { size, root } = signed.reduce((most, tree) => (tree.size > most.size ? tree : most), none);
  return { origin, size, root };
}
