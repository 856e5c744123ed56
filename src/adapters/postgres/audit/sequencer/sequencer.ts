import type { Pool } from 'pg';
import type { Keysets } from '../../../../crypto/keysets.ts';
import type { RandomBytes } from '../../../../crypto/random.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';
import { type AlarmDeps, makeAlarms } from './alarms.ts';
import { ensureShard } from './ensure-shard.ts';
import type { Question, WorkerOptions } from './messages.ts';
import { type Sequencer, superviseWorker } from './supervisor.ts';

export type SequencerDeps = AlarmDeps & {
  /** For the thread's own connections, as the service role. */
  connectionString: string;
  /** For what is done before the thread starts. */
  pool: Pool;
  /** Origin of the log, without the shard: `vault.example.com/audit`. */
  baseOrigin: string;
  keysets: Pick<Keysets, 'auditMac'>;
  /** Verifier keys of the shard with this origin. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  clock: Clock;
  random: RandomBytes;
  /** Other times than those of production. */
  timing?: Partial<Pick<WorkerOptions, 'delays' | 'thoroughEveryMs' | 'keyLifeMs'>>;
};

/** A hole is waited for 30 s, a writer for three heartbeats (AUDIT-LOG §4.5). */
const TIMING = {
  delays: { holeMs: 30_000, silentMs: 180_000 },
  thoroughEveryMs: 10_000,
  keyLifeMs: 600_000,
};

const SHARD_WITHIN_MS = 10_000;
const SHARD_POLL_MS = 50;

/**
 * Starts the sequencer of this process: a thread that puts pending batches into the tree, whenever no
 * other instance is at it (AUDIT-LOG §4.4). A thread that dies is started again. When this resolves the
 * log has a shard of this year. Rejects with `store_unavailable`, or what `vkeysOf` rejects with.
 */
export async function startSequencer(deps: SequencerDeps): Promise<Sequencer> {
  await openFirstShard(deps);
  const { connectionString, baseOrigin, timing, clock } = deps;
  const sequencer = superviseWorker({
    options: { connectionString, baseOrigin, ...TIMING, ...timing },
    alarms: makeAlarms(deps),
    clock,
    answer: (question) => answer(deps, question),
  });
  // Starting a thread takes all of a core for a while: requests should not be the ones to feel it.
  await sequencer.ready;
  return sequencer;
}

/** What the thread may know. A key goes as a reference to where it lies, never as bytes. */
async function answer(deps: SequencerDeps, question: Question): Promise<unknown> {
  return question.what === 'vkeys'
    ? deps.vkeysOf(question.origin)
    : (await deps.keysets.auditMac()).keyObject();
}

async function openFirstShard(deps: SequencerDeps): Promise<void> {
  const { clock } = deps;
  const untilMs = clock.monotonic() + SHARD_WITHIN_MS;
  while ((await ensureShard(deps)) === undefined) {
    if (clock.monotonic() >= untilMs) {
      throw new VaultError('store_unavailable', { detail: 'the log has no shard of this year' });
    }
    // Another instance is about to open it.
    await clock.sleep(SHARD_POLL_MS);
  }
}
