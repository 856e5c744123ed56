import { setTimeout as sleep } from 'node:timers/promises';
import type { Keysets } from '../../crypto/keysets.ts';
import type { AuditReader, Shard } from '../../operations/ports/audit-reader.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FsckMetrics } from '../../telemetry/metrics-fsck.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { parseNote } from '../../tlog/note.ts';
import type { Policy } from '../../tlog/policy.ts';
import { TlogError } from '../../tlog/tlog-error.ts';
import { parseVerifierKey } from '../../tlog/verifier-key.ts';
import { checkSince } from '../../verify/check-since.ts';
import { type Findings, makeFindings, type Severity } from '../../verify/findings.ts';
import type { LogSource } from '../../verify/source.ts';
import { verifyLog } from '../../verify/verify-log.ts';
import { checkChain, type VerifiedShard } from './fsck-chain.ts';
import { makeIndexCheck } from './fsck-index.ts';
import { findExplaining, makeStoreSource, unlessDamaged } from './fsck-source.ts';

export type FsckDeps = {
  reader: AuditReader;
  /** Verifier keys of a shard, from the keyring or the key files: not from the database. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  /** Without them, disclosures and their terms are left alone. */
  keysets?: Pick<Keysets, 'findPrivateCipher' | 'auditTerms'> | undefined;
  /** Published checkpoints of a shard: all, or some. */
  checkpointsOf: (logId: number) => Promise<readonly string[]>;
  /** Rest after each 256 entries, in milliseconds. */
  pauseMs: number;
  /** Told after each shard. */
  entries?: (count: number) => void;
};

/**
 * Re-checks the whole log as it lies in the database (AUDIT-LOG §4.5): each shard as an auditor would, and what
 * only the database can be asked: the index, the published checkpoints, and how the shards follow each
 * other. Rejects with `store_unavailable` or `key_unavailable` when that cannot be done now.
 */
export async function checkStoredLog(deps: FsckDeps): Promise<VerifiedShard[]> {
  const shards = await deps.reader.shards();
  // Of all shards, so of none.
  const general = makeFindings();
  const policy = await policyOf(deps, shards, general);
  const explaining = await unlessDamaged(general, 'search for what explains gaps', () =>
    findExplaining(deps.reader),
  );
  const verified: VerifiedShard[] = [];
  for (const shard of shards) {
    const findings = makeFindings();
    const source = makeStoreSource({ ...deps, findings, explaining: explaining ?? [] }, shard);
    const index = makeIndexCheck({ ...deps, findings }, shard);
    const report = await verifyLog(source, { policy, onLeaf: index.take });
    report.checked.push({ check: 'index', count: index.checked(), of: 'events looked up' });
    const notes = await checkPublished(deps, { shard, source, policy, findings });
    report.checked.push({ check: 'consistency', count: notes, of: 'published checkpoints' });
    report.unchecked = report.unchecked.filter(({ check }) => check !== 'consistency');
    report.findings = [...report.findings, ...findings.list()];
    verified.push({ logId: shard.logId, report });
    deps.entries?.(report.log?.size ?? 0);
  }
  verified[0]?.report.findings.push(...general.list());
  await checkChain(deps.reader, verified);
  return verified;
}

/** Not through a policy file: shards may share a key, which a file may name once. */
async function policyOf(
  { vkeysOf }: FsckDeps,
  shards: readonly Shard[],
  findings: Findings,
): Promise<Policy> {
  const keysOf = async ({ shard, origin }: Shard) => {
    try {
      return await vkeysOf(origin);
    } catch (error) {
      // No key can have this name: nobody but the owner of the database has written it.
      if (!(error instanceof TlogError)) throw error;
      findings.add('store_damaged', `origin of ${shard}`);
      return [];
    }
  };
  const keys = await Promise.all(shards.map(keysOf));
  const logs = keys.flat().map((vkey) => ({ verifier: parseVerifierKey(vkey) }));
  return { logs, witnesses: [], groups: [], quorum: undefined };
}

/** Everything that was ever published must be one line: each older state a part of the newest. */
async function checkPublished(
  { checkpointsOf }: FsckDeps,
  input: { shard: Shard; source: LogSource; policy: Policy; findings: Findings },
): Promise<number> {
  const { shard, source, policy, findings } = input;
  const newest = await source.checkpoint();
  if (newest === undefined) {
    return 0;
  }
  const notes = await checkpointsOf(shard.logId);
  const checkpoint = readNote(newest);
  if (checkpoint === undefined) {
    return 0;
  }
  for (const since of notes) {
    await checkSince({ source, since, checkpoint, policy }, findings);
  }
  return notes.length;
}

/** What is no note was found already, when the shard was verified. */
function readNote(note: string | Uint8Array) {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch {
    return;
  }
}

/** Findings of a whole pass by severity. */
export function countFindings(shards: readonly VerifiedShard[]): Record<Severity, number> {
  const counts = { failed: 0, alarm: 0, notice: 0 };
  for (const { severity, count } of shards.flatMap(({ report }) => report.findings)) {
    counts[severity] += count;
  }
  return counts;
}

export type Fsck = {
  /** Ends after the block at work. */
  close(): Promise<void>;
};

/** Before the first pass: a service that just started has other work, and may have nothing published. */
const FIRST_MS = 60_000;

/**
 * Re-checks the log for as long as the service runs: a pass, then a rest of `intervalMs`. Each kind of
 * finding is one error in the log and shows in the metrics; a pass that cannot be done is a warning, and
 * its time shows as `last_ok`, which stands still.
 */
export function startFsck(
  deps: Omit<FsckDeps, 'entries'> & {
    intervalMs: number;
    firstMs?: number;
    clock: Pick<Clock, 'now'>;
    metrics: FsckMetrics;
    logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  },
): Fsck {
  const { intervalMs, firstMs = FIRST_MS, clock, metrics, logger } = deps;
  const stop = new AbortController();
  const { signal } = stop;

  const pass = async () => {
    const reader = stoppable(deps.reader, signal);
    const shards = await checkStoredLog({ ...deps, reader, entries: metrics.entries });
    for (const { report } of shards) {
      for (const { kind, severity, count } of report.findings) {
        const fields = { kind, severity, count, origin: report.log?.origin };
        if (severity === 'notice') logger.warn('audit_fsck_finding', fields);
        else logger.error('audit_fsck_finding', fields);
      }
    }
    metrics.passed({ ...countFindings(shards), atMs: clock.now() });
    logger.info('audit_fsck_done', countFindings(shards));
  };

  const run = async () => {
    await sleep(firstMs, undefined, { signal, ref: false });
    for (;;) {
      await pass().catch((error: unknown) => {
        signal.throwIfAborted();
        logger.warn('audit_fsck_interrupted', {}, error);
      });
      await sleep(intervalMs, undefined, { signal, ref: false });
    }
  };

  const running = run().catch(() => undefined);
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** A reader that gives nothing more once it is told to stop: the pass ends at its next reading. */
function stoppable(reader: AuditReader, signal: AbortSignal): AuditReader {
  return {
    ...reader,
    tile: (...args) => {
      signal.throwIfAborted();
      return reader.tile(...args);
    },
    bundle: (...args) => {
      signal.throwIfAborted();
      return reader.bundle(...args);
    },
  };
}
