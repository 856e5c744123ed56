import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditLog } from '../operations/ports/audit-log.ts';
import type { Clock } from '../operations/ports/clock.ts';
import type { ErasureJournal } from '../operations/ports/erasure-journal.ts';
import type { Erasure, PeopleStore } from '../operations/ports/people-store.ts';
import type { VaultKeys } from '../operations/ports/vault-keys.ts';
import type { VaultRegistry } from '../operations/ports/vault-registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ErasureMetrics } from '../telemetry/metrics-erasures.ts';

/** How long a person may be there again after a backup was restored under a running service. */
const INTERVAL_MS = 30_000;
/** Younger entries may be of erasures that are still at work, here or on another instance. */
const AT_WORK_MS = 10_000;

export type ErasureReplayDeps = {
  journal: Pick<ErasureJournal, 'all'>;
  people: Pick<PeopleStore, 'erase' | 'unknownErasures'>;
  vaults: VaultRegistry;
  keys: VaultKeys;
  audit: Pick<AuditLog, 'append'>;
  clock: Pick<Clock, 'now'>;
  /** Time between two looks, in milliseconds; 30 s when absent. */
  intervalMs?: number;
  metrics: ErasureMetrics;
  logger: Pick<Logger, 'warn' | 'error'>;
};

/**
 * Erases again whomever the journal has and the database does not know of, because it was restored from before or
 * because the service was killed in between; once when it resolves, then for as long as the service runs. Rejects
 * when the first look fails: without it nothing may listen. Later failures are logged, and the next look tries
 * again.
 */
export async function startErasureReplay(
  deps: ErasureReplayDeps,
): Promise<{ close(): Promise<void> }> {
  const { intervalMs = INTERVAL_MS, metrics, logger } = deps;
  const stop = new AbortController();
  const alarm = makeAlarm(deps);
  const pass = async (untilMs: number) => {
    const { erasures, altered } = await deps.journal.all();
    alarm(altered);
    const due = erasures.filter(({ atMs }) => atMs <= untilMs);
    await replayUnknown(deps, await deps.people.unknownErasures(due));
  };
  const run = async () => {
    for (;;) {
      await sleep(intervalMs, undefined, { signal: stop.signal, ref: false });
      await pass(deps.clock.now() - AT_WORK_MS).catch((error: unknown) => {
        metrics.failed();
        logger.error('erasure_replay_failed', {}, error);
      });
    }
  };
  await pass(Number.POSITIVE_INFINITY);
  // Only the pause rejects, when it is ended.
  const running = run().catch(() => undefined);
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** Tells of altered entries, once for as long as they are the same. */
function makeAlarm({ metrics, logger }: ErasureReplayDeps): (altered: readonly string[]) => void {
  let told = '';
  return (altered) => {
    metrics.altered(altered.length);
    const now = [...altered].sort().join('\n');
    if (now !== told && altered.length > 0) {
      logger.error('erasure_journal_altered', { entries: altered.length });
    }
    told = now;
  };
}

/** Each on its own: one vault whose keys cannot be had must not keep the others' people. */
async function replayUnknown(deps: ErasureReplayDeps, unknown: readonly Erasure[]): Promise<void> {
  let failure: { error: unknown } | undefined;
  for (const erasure of unknown) {
    await replay(deps, erasure).catch((error: unknown) => {
      failure ??= { error };
    });
  }
  if (failure !== undefined) throw failure.error;
}

/**
 * The event goes first, as of any erasure. A vault that the service does not serve may be one that was made
 * after the backup: nothing is there to be erased, and so no key is needed to bury it.
 */
async function replay(deps: ErasureReplayDeps, erasure: Erasure): Promise<void> {
  const { people, vaults, keys, audit, metrics, logger } = deps;
  const vault = vaults.all().find(({ id }) => id === erasure.vaultId);
  const digests = vault === undefined ? undefined : (await keys.cipherOf(vault.id)).digests;
  await audit.append({
    operation: 'subject.erase',
    outcome: 'allow',
    status: 200,
    ...(vault === undefined ? {} : { vault: vault.name, policy: vault.policyRef }),
    items: 1,
    attributes: { replayOf: new Date(erasure.atMs).toISOString() },
    who: {},
    what: { query: { subject: `hmac:${erasure.digest.toString('base64url')}` } },
  });
  const tombstone = (token: string): Buffer => {
    if (digests === undefined) throw new Error('a row of a vault that is not served');
    return digests.tombstone(token);
  };
  const erased = await people.erase({ ...erasure, tombstone });
  metrics.replayed();
  logger.warn('erasure_replayed', { vaultId: erasure.vaultId, atMs: erasure.atMs, erased });
}
