import type { RandomBytes } from '../../../crypto/random.ts';
import type { AuditEvent } from '../../../domain/audit/event.ts';
import { VaultError } from '../../../domain/errors.ts';
import { type Batch, type BatchDeps, packBatch } from './batch.ts';
import type { Committed } from './commit.ts';
import { fail, succeed, type Waiting } from './queue.ts';

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
  /** Writes the last leaf, if this writer ever wrote. Rejects when it could not. */
  stop(): Promise<void>;
};

export type SlotDeps = BatchDeps & {
  random: RandomBytes;
  clock: { now(): number; monotonic(): number };
  commit: (batch: Batch) => Promise<Committed>;
  committed?: ((batch: { events: number; seconds: number }) => void) | undefined;
  failed?: ((reason: 'commit') => void) | undefined;
};

const lifeEvent = (operation: 'audit.writer.start' | 'audit.writer.stop'): AuditEvent => ({
  operation,
  outcome: 'allow',
  status: 200,
  items: 0,
  who: {},
  what: {},
});

/** Makes a writer that has not written yet. */
export function makeSlot(deps: SlotDeps): Slot {
  const newBootId = () => deps.random(BOOT_ID_BYTES).toString('base64url');
  let bootId = newBootId();
  let nextSeq = 0;
  let inHand: readonly Waiting[] = [];
  let busy = false;

  /** Stores one batch, the start leaf before it when it is the writer's first. */
  async function store(events: readonly Pick<Waiting, 'event' | 'atMs'>[]) {
    const startedMs = deps.clock.monotonic();
    const start = { event: lifeEvent('audit.writer.start'), atMs: deps.clock.now() };
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
    if (batch !== undefined) {
      if ((await deps.commit(batch)) === 'foreign') {
        // Somebody wrote under our name. Nothing more is written under it: the auditor's to explain.
        bootId = newBootId();
        nextSeq = 0;
        throw new VaultError('internal', { detail: 'an audit batch was in its place already' });
      }
      nextSeq += batch.count;
      const seconds = (deps.clock.monotonic() - startedMs) / 1_000;
      deps.committed?.({ events: batch.count, seconds });
    }
    return packed.slice(head.length);
  }

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
        const packed = await store(events);
        return events.filter((waiting, index) => {
          const fate = packed[index];
          if (typeof fate === 'object' && 'eventId' in fate) {
            succeed(waiting, fate.eventId);
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
    async stop() {
      if (nextSeq > 0) {
        await store([{ event: lifeEvent('audit.writer.stop'), atMs: deps.clock.now() }]);
      }
    },
  };
}
