import type { RandomBytes } from '../../../../crypto/random.ts';
import type { AuditEvent } from '../../../../domain/audit/event.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { OutdatedBasis } from '../../../../operations/ports/audit-log.ts';
import { type Ground, groundOf, NOTHING_STANDS, outdated, type Standing } from './basis.ts';
import { type Batch, type BatchDeps, type Packed, packBatch } from './batch.ts';
import type { Committed } from './commit.ts';
import { fail, succeed, type Waiting, withhold } from './queue.ts';

const BOOT_ID_BYTES = 16;

/**
 * One writer of the log (AUDIT-LOG §4.5): a boot id, and numbers from 0 without a hole. It has at most
 * one batch at work, so whoever kills the process cannot make a hole either: only the last batch can be
 * missing.
 */
export type Slot = {
  /** Events of the batch at work. */
  readonly inHand: readonly Waiting[];
  readonly busy: boolean;
  /**
   * Writes what it can of these events as one batch and answers their callers; returns those that did
   * not fit, in order. Never rejects.
   */
  write(events: readonly Waiting[]): Promise<readonly Waiting[]>;
  /**
   * Writes a sign of life when this writer began and has been silent for `heartbeatMs`; nothing while it
   * is at work. What could not be written is tried again at the next call. Never rejects.
   */
  beat(): Promise<void>;
  /** Goes on under another name when this is its name: the log takes that writer for dead. */
  retire(bootId: string): void;
  /** Writes the last leaf, if this writer ever wrote. Rejects when it could not. */
  stop(): Promise<void>;
};

export type SlotDeps = BatchDeps & {
  random: RandomBytes;
  clock: { now(): number; monotonic(): number };
  commit: (batch: Batch, ground: Ground) => Promise<Committed>;
  heartbeatMs: number;
  /** Told of each batch that became durable, before its callers are. */
  stored?: ((batch: Batch, seconds: number) => void) | undefined;
  failed?: ((reason: 'commit') => void) | undefined;
  /** Told of each answer that must not be given. */
  withheld?: ((outdated: OutdatedBasis) => void) | undefined;
};

const lifeEvent = (stage: 'start' | 'heartbeat' | 'stop'): AuditEvent => ({
  operation: `audit.writer.${stage}`,
  outcome: 'allow',
  status: 200,
  items: 0,
  who: {},
  what: {},
});

/** Makes a writer that has not written yet. */
export function makeSlot(deps: SlotDeps): Slot {
  const chain = makeChain(deps);
  let inHand: readonly Waiting[] = [];
  let busy = false;
  let isStopped = false;

  const life = (stage: 'heartbeat' | 'stop') =>
    chain.store([{ event: lifeEvent(stage), atMs: deps.clock.now() }]);

  return {
    get inHand() {
      return inHand;
    },
    get busy() {
      return busy;
    },
    async write(events) {
      busy = true;
      inHand = events;
      try {
        const { packed, standing } = await chain.store(events);
        return events.filter((waiting, index) => {
          const fate = packed[index];
          if (typeof fate === 'object' && 'eventId' in fate) {
            settle(deps, waiting, { eventId: fate.eventId, standing });
          } else if (typeof fate === 'object') {
            fail(waiting, { detail: 'the event could not be sealed', cause: fate.error });
          }
          return fate === 'left';
        });
      } catch (error) {
        deps.failed?.('commit');
        for (const waiting of events) {
          fail(waiting, { detail: 'the audit batch could not be stored', cause: error });
        }
        return [];
      } finally {
        inHand = [];
        busy = false;
      }
    },
    async beat() {
      if (busy || isStopped || !chain.isOpen() || chain.silentMs() < deps.heartbeatMs) {
        return;
      }
      busy = true;
      await life('heartbeat').catch(() => deps.failed?.('commit'));
      busy = false;
    },
    retire: chain.retire,
    async stop() {
      isStopped = true;
      if (chain.isOpen()) {
        await life('stop');
      }
    },
  };
}

/** Tells the caller that the event is durable, and whether the answer may be given. */
function settle(
  deps: Pick<SlotDeps, 'withheld'>,
  waiting: Waiting,
  { eventId, standing }: { eventId: string; standing: Standing },
): void {
  const over = waiting.basis && outdated(eventId, waiting.basis, standing);
  if (over === undefined) {
    succeed(waiting, eventId);
  } else {
    deps.withheld?.(over);
    withhold(waiting, over);
  }
}

/** The numbers of one writer at a time. */
function makeChain(deps: SlotDeps) {
  const newBootId = () => deps.random(BOOT_ID_BYTES).toString('base64url');
  let bootId = newBootId();
  let nextSeq = 0;
  let isRetired = false;
  let lastStoredMs = 0;

  function beginAnew(): void {
    bootId = newBootId();
    nextSeq = 0;
    isRetired = false;
  }

  return {
    /** It has written its start, and nothing forbids it to write on. */
    isOpen: () => nextSeq > 0 && !isRetired,
    silentMs: () => deps.clock.monotonic() - lastStoredMs,
    retire(dead: string): void {
      // A batch may be at work: the new name is taken before the next one.
      isRetired ||= dead === bootId;
    },
    /** Stores one batch, the start leaf before it when it is the writer's first. */
    async store(
      events: readonly Pick<Waiting, 'event' | 'atMs' | 'basis'>[],
    ): Promise<{ packed: Packed[]; standing: Standing }> {
      if (isRetired) {
        beginAnew();
      }
      const startedMs = deps.clock.monotonic();
      // Not after the events that it comes before: they may have waited.
      const atMs = Math.min(deps.clock.now(), ...events.map((event) => event.atMs));
      const start = { event: lifeEvent('start'), atMs };
      const head = nextSeq === 0 ? [start] : [];
      const { packed, batch } = await packBatch(deps, {
        bootId,
        firstSeq: nextSeq,
        events: [...head, ...events],
      });
      const first = packed[0];
      if (head.length > 0 && typeof first === 'object' && 'error' in first) {
        throw first.error;
      }
      let standing = NOTHING_STANDS;
      if (batch !== undefined) {
        // Not of those that have no room in it: they are asked about with their own.
        const inside = events.filter((_, index) => packed[head.length + index] !== 'left');
        const committed = await deps.commit(batch, groundOf(inside));
        if (committed === 'foreign') {
          // Somebody wrote under our name. Nothing more is written under it: the auditor's to explain.
          beginAnew();
          throw new VaultError('internal', { detail: 'an audit batch was in its place already' });
        }
        standing = committed;
        nextSeq += batch.count;
        lastStoredMs = deps.clock.monotonic();
        deps.stored?.(batch, (lastStoredMs - startedMs) / 1_000);
      }
      return { packed: packed.slice(head.length), standing };
    },
  };
}
