import type { RandomBytes } from '../../../../crypto/random.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import type { Session } from '../../session.ts';
import type { StoredBatch } from '../pending-row.ts';
import { appendBlocks } from '../segment.ts';
import { lockShard } from '../shard-lock.ts';
import { type Draft, makeDraft } from './draft.ts';
import type { Patience } from './patience.ts';
import { type PendingWriter, readBatches } from './pending.ts';
import { type Limits, planBatches } from './plan.ts';
import type { CycleReport } from './report.ts';
import { type Delays, settleWriter } from './settle-writer.ts';
import { type ClockWatch, takeBatches } from './take-batches.ts';
import { readWriters, type SilentWriter } from './writers.ts';

/** What a look without a lock found to do. */
export type Work = {
  /** Writers whose next batch is there. */
  going: readonly PendingWriter[];
  /** Writers that cannot go on, to be looked at now. */
  stuck: readonly PendingWriter[];
  /** Writers to be closed. */
  silent: readonly SilentWriter[];
  limits: Limits;
};

/** What was done, and found on the way. It counts only when the transaction is committed. */
export type Findings = Pick<
  CycleReport,
  'outcome' | 'events' | 'bytes' | 'clockBack' | 'closed' | 'gaps'
> & {
  altered: readonly StoredBatch[];
  /** Writers that stand at this number, before an altered batch. */
  stuckAt: ReadonlyMap<string, number>;
};

type Deps = {
  session: Session;
  auditMac: SecretKey;
  patience: Patience;
  watchClock: ClockWatch;
  delays: Delays;
  atMs: number;
  random: RandomBytes;
};

export const NOTHING_DONE: Findings = {
  outcome: 'idle',
  events: 0,
  bytes: 0,
  clockBack: [],
  closed: [],
  gaps: [],
  altered: [],
  stuckAt: new Map(),
};

/**
 * Everything of a cycle between `begin` and `commit`: takes the lock, looks at the writers again, and
 * appends one segment of what is ready: first batches, then what the log has to say of its writers.
 */
export async function integrate(deps: Deps, work: Work): Promise<Findings> {
  const { session, auditMac, patience, delays } = deps;
  const held = await lockShard(session);
  if (held?.edge === undefined) {
    return { ...NOTHING_DONE, outcome: held === undefined ? 'busy' : 'altered_head' };
  }
  const now = await refresh(session, work);
  const draft = makeDraft(deps);
  const batches = await readBatches(session, planBatches(now.going, work.limits).chosen);
  const nextSeqs = new Map(
    [...now.going, ...now.stuck].map(({ bootId, nextSeq }) => [bootId, nextSeq]),
  );
  const taken = takeBatches(draft, { ...deps, batches, nextSeqs });
  const gaps: Findings['gaps'] = [];
  const altered = [...taken.altered];
  for (const writer of now.stuck) {
    const settled = await settleWriter({ session, patience, auditMac, delays, draft }, writer);
    gaps.push(...settled.gaps.map((gap) => ({ ...gap, bootId: writer.bootId })));
    altered.push(...settled.altered);
  }
  const closed = closeWriters(draft, now.silent);
  if (draft.count() > 0) {
    const { logId, edge } = held;
    const { blocks } = draft;
    await appendBlocks(session, { logId, edge, blocks, writers: draft.progress() });
  }
  return {
    outcome: draft.count() > 0 ? 'integrated' : 'waiting',
    events: draft.count(),
    bytes: taken.bytes,
    clockBack: taken.clockBack,
    closed,
    gaps,
    altered,
    stuckAt: stuckAt(draft, nextSeqs, altered),
  };
}

/** The work as it is under the lock: another instance may have done some of it since the look. */
async function refresh(session: Session, work: Work): Promise<Work> {
  const { going, stuck, silent } = work;
  const states = await readWriters(
    session,
    [...going, ...stuck, ...silent].map(({ bootId }) => bootId),
  );
  const ahead = (writer: PendingWriter): PendingWriter => {
    const nextSeq = states.get(writer.bootId)?.nextSeq ?? 0;
    return { ...writer, nextSeq, rows: writer.rows.filter((row) => row.firstSeq >= nextSeq) };
  };
  const isStillSilent = ({ bootId, nextSeq }: SilentWriter) => {
    const state = states.get(bootId);
    return state?.nextSeq === nextSeq && !state.closed;
  };
  return {
    ...work,
    going: going.map(ahead),
    stuck: stuck.map(ahead),
    silent: silent.filter(isStillSilent),
  };
}

/** Closes writers of which nothing comes any more; should one come back, its next batch opens it again. */
function closeWriters(draft: Draft, silent: readonly SilentWriter[]): CycleReport['closed'] {
  const closed = silent.slice(0, draft.room());
  for (const { bootId, nextSeq, day } of closed) {
    draft.state(
      bootId,
      { operation: 'audit.writer.closed', attributes: { boot: bootId, next: nextSeq } },
      { nextSeq, day, closed: true },
    );
  }
  return closed.map(({ bootId, nextSeq }) => ({ bootId, nextSeq }));
}

function stuckAt(
  draft: Draft,
  before: ReadonlyMap<string, number>,
  altered: readonly StoredBatch[],
): ReadonlyMap<string, number> {
  const reached = new Map(before);
  for (const { bootId, nextSeq } of draft.progress()) {
    reached.set(bootId.toString('base64url'), nextSeq);
  }
  return new Map(
    altered
      .filter(({ bootId, firstSeq }) => reached.get(bootId) === Number(firstSeq))
      .map(({ bootId, firstSeq }) => [bootId, Number(firstSeq)]),
  );
}
