import type { Pool } from 'pg';
import type { AuditProgress } from '../../../../operations/ports/audit-log.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';
import { type Head, readHeads } from './heads.ts';
import type { Retained } from './retained.ts';

/** How often progress is looked at while somebody waits, and how late a deadline may be noticed. */
const SWEEP_MS = 25;

type Waiter = {
  stage: Parameters<AuditProgress['reached']>[0];
  untilMs: number;
  /** The last batch that was committed before the call. */
  lastNumber: number;
  lostBefore: number;
  /** Shards that were seen active since the call: the events are in one of them. */
  shards: Set<number>;
  /** How far each of them has to be published, read when the events were in the tree. */
  goals?: ReadonlyMap<number, number>;
  isPublished: boolean;
  resolve: (reached: boolean) => void;
};

type ProgressDeps = {
  pool: Pool;
  clock: Clock;
  retained: Retained;
  /** Brings `retained` up to date; never rejects. */
  look: () => Promise<void>;
  /** Asks the sequencer to begin its next cycle now. */
  nudge: () => void;
};

/** Lets callers wait for the tree and its checkpoints. `close` ends all waiting. */
export function makeProgress(deps: ProgressDeps): AuditProgress & { close(): void } {
  const { clock, retained } = deps;
  const waiters = new Set<Waiter>();
  let isSweeping = false;
  let isLooking = false;
  let isClosed = false;

  function settle(): void {
    for (const waiter of waiters) {
      // What was lost may have been among the caller's events: then this cannot come true any more.
      const isHopeless = retained.lost() > waiter.lostBefore;
      const isReached =
        !isHopeless &&
        (waiter.stage === 'integrated'
          ? retained.isClearTo(waiter.lastNumber)
          : waiter.isPublished);
      if (isReached || isHopeless || isClosed || clock.monotonic() >= waiter.untilMs) {
        waiters.delete(waiter);
        waiter.resolve(isReached);
      }
    }
  }

  async function look(): Promise<void> {
    isLooking = true;
    try {
      await deps.look();
      await lookAtHeads(deps, [...waiters]);
    } catch {
      // The next look makes up for it.
    }
    isLooking = false;
    settle();
  }

  async function sweep(): Promise<void> {
    while (waiters.size > 0) {
      if (!isLooking) {
        // Not awaited: a database that hangs must not keep callers beyond their time.
        void look();
      }
      await clock.sleep(SWEEP_MS);
      settle();
    }
    isSweeping = false;
  }

  return {
    reached: (stage, withinMs) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiters.add({
        stage,
        untilMs: clock.monotonic() + withinMs,
        lastNumber: retained.lastNumber(),
        lostBefore: retained.lost(),
        shards: new Set(),
        isPublished: false,
        resolve,
      });
      settle();
      if (waiters.size > 0) {
        deps.nudge();
        if (!isSweeping) {
          isSweeping = true;
          void sweep();
        }
      }
      return promise;
    },
    close: () => {
      isClosed = true;
      settle();
    },
  };
}

/**
 * Which shard took an event is not known here, and it may be frozen by now. So every shard that was
 * active meanwhile has to be published as far as it went when the events were in the tree.
 */
async function lookAtHeads({ pool, retained }: ProgressDeps, waiters: Waiter[]): Promise<void> {
  const patient = waiters.filter(({ stage }) => stage === 'checkpointed');
  if (patient.length === 0) {
    return;
  }
  // Before the heads are read: a size that was read earlier may be without the events.
  const integrated = new Set(patient.filter((each) => retained.isClearTo(each.lastNumber)));
  const heads = await readHeads(pool);
  for (const waiter of patient) {
    for (const { shard } of heads.filter(({ isActive }) => isActive)) {
      waiter.shards.add(shard);
    }
    if (integrated.has(waiter)) {
      waiter.goals ??= goalsOf(heads, waiter.shards);
      waiter.isPublished = arePublished(heads, waiter.goals);
    }
  }
}

const goalsOf = (heads: readonly Head[], shards: ReadonlySet<number>) =>
  new Map(heads.filter(({ shard }) => shards.has(shard)).map(({ shard, size }) => [shard, size]));

const arePublished = (heads: readonly Head[], goals: ReadonlyMap<number, number>) =>
  heads.every(({ shard, published }) => published >= (goals.get(shard) ?? 0));
