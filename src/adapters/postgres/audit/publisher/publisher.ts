import { setTimeout as sleep } from 'node:timers/promises';
import type { PublisherDeps } from './deps.ts';
import { readShards } from './rows.ts';
import { makeShardPublisher } from './shard.ts';
import { makeTroubles } from './troubles.ts';

/** A bit more than the second that lies between two turns. */
const PERIOD_MS = 1_020;
/** At most this much longer, so that instances take turns. */
const JITTER_MS = 160;

/**
 * Makes what signs the log's checkpoints (AUDIT-LOG §4.6). `round` looks after every shard once; any
 * number of instances may do so at the same time. It never rejects: what fails is logged and tried again.
 */
export function makePublisher(deps: PublisherDeps): { round(): Promise<void> } {
  const { pool, metrics, logger } = deps;
  const troubles = makeTroubles(logger);
  const visit = makeShardPublisher({ ...deps, troubles });

  const visitAll = async (): Promise<void> => {
    const { open, givenUp } = await readShards(pool);
    let contradicting = 0;
    for (const ref of open) {
      const trouble = { event: 'audit_checkpoint_failed', of: ref.origin };
      const contradicts = await troubles.during(trouble, () => visit(ref)).catch(() => false);
      contradicting += contradicts ? 1 : 0;
    }
    metrics.frozen(givenUp + contradicting);
  };
  return {
    round: () =>
      troubles
        .during({ event: 'audit_checkpoint_failed', of: deps.baseOrigin }, visitAll)
        .catch(() => {}),
  };
}

/**
 * Publishes checkpoints, about one a second while the log grows, until it is closed. In production it warns
 * when nobody but the database and this machine would know of a change: then the log protects against
 * neither owner.
 */
export function startPublisher(deps: PublisherDeps & { isProduction: boolean }): {
  close(): Promise<void>;
} {
  const { heads, witnessing, logger, isProduction } = deps;
  if (isProduction && !heads.shared && witnessing.witnesses.length === 0) {
    logger.warn('audit_not_anchored', { set: 'COUNTERFOIL_AUDIT_WITNESSES or _AUDIT_HEAD' });
  }
  const publisher = makePublisher(deps);
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await publisher.round();
      // Rejects when it is closed; does not keep the process alive.
      const waiting = { signal: stop.signal, ref: false };
      await sleep(PERIOD_MS + Math.random() * JITTER_MS, undefined, waiting).catch(() => {});
    }
  };
  const ended = loop();
  return {
    close: async () => {
      stop.abort();
      await ended;
    },
  };
}
