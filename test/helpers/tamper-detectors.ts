// Everyone who looks after the log, run once over a database that somebody may have tampered with.
import type { Pool } from 'pg';
import { makePublisher } from '../../src/adapters/postgres/audit/publisher/publisher.ts';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { sampleCheckpoints } from '../../src/adapters/postgres/audit/sample-checkpoints.ts';
import { makeAlarms } from '../../src/adapters/postgres/audit/sequencer/alarms.ts';
import { makeCycle } from '../../src/adapters/postgres/audit/sequencer/cycle.ts';
import { listDays } from '../../src/adapters/postgres/audit/sequencer/pending.ts';
import { makeKeeper } from '../../src/adapters/postgres/audit/writer/keeper.ts';
import { makeRetained } from '../../src/adapters/postgres/audit/writer/retained.ts';
import { NO_WITNESSES } from '../../src/adapters/witness/read-witnesses.ts';
import { checkStoredLog } from '../../src/app/audit/fsck.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { logFiles } from '../../src/operations/export/log-files.ts';
import type { Head, HeadStore } from '../../src/operations/ports/head-store.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { TlogError } from '../../src/tlog/tlog-error.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { openFileSource } from '../../src/verify/file-source.ts';
import type { Report } from '../../src/verify/report.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import { memoryFiles } from './static-log.ts';
import { BASE_ORIGIN, originOf, type TamperedLog } from './tampered-log.ts';

/** What a detector says, in its own words: the names of alarms, log lines and findings. */
export type Detector = (log: TamperedLog, pool: Pool) => Promise<string[]>;

/** Who looks. */
export const DETECTORS = {
  writer: askWriter,
  sequencer: askSequencer,
  publisher: askPublisher,
  fsck: askFsck,
  keyedFsck: askKeyedFsck,
  auditor: askAuditor,
  reader: askReader,
} as const satisfies Record<string, Detector>;

export type DetectorName = keyof typeof DETECTORS;

/** The writer's process: it looks for the rows of what it has not seen in the tree (AUDIT-LOG §4.5). */
async function askWriter({ waiting }: TamperedLog, pool: Pool): Promise<string[]> {
  const said: string[] = [];
  let nowMs = 0;
  const clock = { monotonic: () => nowMs };
  const retained = makeRetained(clock);
  for (const batch of waiting) retained.keep(batch);
  nowMs = 3_000;
  const keeper = makeKeeper({
    ...{ pool, clock, retained },
    missingAfterMs: 2_000,
    alarmAfterMs: 5_000,
    alarm: ({ kind }) => said.push(kind),
    closed: () => {},
  });
  await keeper.look();
  return said;
}

/** The sequencer, until what it has to wait for is over (AUDIT-LOG §4.4). */
async function askSequencer({ keysets }: TamperedLog, pool: Pool): Promise<string[]> {
  const said: string[] = [];
  let passedMs = 0;
  const clock = { now: () => Date.now() + passedMs, monotonic: () => performance.now() + passedMs };
  const delays = { holeMs: 30_000, silentMs: 180_000 };
  const cycle = makeCycle({ pool, clock, random: randomBytes, auditMac: keysets.auditMac, delays });
  const ignore = () => {};
  const alarms = makeAlarms({
    watch: { integrated: ignore, gap: ignore, alarm: ignore, condition: ignore, pending: ignore },
    alarm: (kind) => said.push(kind),
    recovered: ignore,
  });
  const days = await listDays(pool);
  for (const pauseMs of [0, 1_001, 30_001, 1_001]) {
    passedMs += pauseMs;
    const limits = { events: 4_000, bytes: 16 * 1024 * 1024 };
    const { report, error } = await cycle.run({ days, limits, isThorough: false });
    alarms.report(report);
    if (error !== undefined) alarms.condition('cycle_failed', true, {});
  }
  return said;
}

/** The publisher of checkpoints, with its own memory of what was signed (AUDIT-LOG §4.6). */
async function askPublisher({ signer, heads }: TamperedLog, pool: Pool): Promise<string[]> {
  const said: string[] = [];
  const warn = (event: string) => said.push(event);
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn,
    error: warn,
    child: () => logger,
  };
  const publisher = makePublisher({
    ...{ pool, signer, logger },
    baseOrigin: BASE_ORIGIN,
    heads: makeMemoryHeads(heads),
    witnessing: NO_WITNESSES,
    metrics: {
      published: () => {},
      frozen: (shards) => shards > 0 && said.push('frozen'),
      watchWitness: () => {},
    },
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: randomBytes,
  });
  await publisher.round();
  return said;
}

/** The continuous re-check (AUDIT-LOG §4.11), of what needs no keys: tree, writers, shards, facets. */
async function askFsck(log: TamperedLog, pool: Pool): Promise<string[]> {
  return recheck({ ...log, keysets: undefined }, pool);
}

/** The same, and whether what was disclosed is all there. */
async function askKeyedFsck(log: TamperedLog, pool: Pool): Promise<string[]> {
  return recheck(log, pool);
}

async function recheck(
  { signer, keysets }: Pick<TamperedLog, 'signer'> & { keysets: Keysets | undefined },
  pool: Pool,
): Promise<string[]> {
  const shards = await checkStoredLog({
    reader: makeAuditReader({ pool }),
    vkeysOf: signer.vkeysOf,
    keysets,
    checkpointsOf: (logId) => sampleCheckpoints(pool, logId),
    pauseMs: 0,
  });
  return shards.flatMap(({ report }) => kindsIn(report));
}

/** An auditor who exports the year, and has kept its newest checkpoint and the log's key. */
async function askAuditor(log: TamperedLog, pool: Pool): Promise<string[]> {
  const { signer, heads, shard: name, keysets } = log;
  const keys = await signer.vkeysOf(originOf(name));
  const policy = {
    logs: keys.map((vkey) => ({ verifier: parseVerifierKey(vkey) })),
    witnesses: [],
    groups: [],
    quorum: undefined,
  };
  const reader = makeAuditReader({ pool });
  const shard = (await reader.shards()).find((each) => each.shard === name);
  const checkpoint = shard && (await reader.checkpoint(shard.logId));
  const files = new Map<string, Buffer>();
  if (shard !== undefined && checkpoint !== undefined) {
    const deps = { reader, keysets, vkeysOf: signer.vkeysOf, version: 'test' };
    for await (const file of logFiles(deps, { shard, checkpoint })) {
      files.set(file.path, 'bytes' in file ? file.bytes : await collect(file.chunks()));
    }
  }
  const since = heads.get(originOf(name))?.note;
  return kindsIn(await verifyLog(await openFileSource(memoryFiles(files)), { policy, since }));
}

/** Somebody who asks for events by their ids, and must not be given another's. */
async function askReader({ probes }: TamperedLog, pool: Pool): Promise<string[]> {
  const reader = makeAuditReader({ pool });
  const said: string[] = [];
  for (const { id, index } of probes) {
    const found = await reader.findEvent(id);
    if (found?.index !== index || readLeaf(found.leaf)?.id !== id) said.push('another event');
  }
  return said;
}

/** Runs a detector. What it refuses to say is named after the refusal. */
export async function ask(who: DetectorName, log: TamperedLog, pool: Pool): Promise<Set<string>> {
  try {
    const said = await DETECTORS[who](log, pool);
    return new Set(said.map((what) => `${who}:${what}`));
  } catch (error) {
    if (!(error instanceof VaultError || error instanceof TlogError)) throw error;
    return new Set([`${who}:${error.code}`]);
  }
}

const kindsIn = ({ findings }: Report): string[] =>
  findings.filter(({ severity }) => severity !== 'notice').map(({ kind }) => kind);

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** A copy that a test may let go forward. */
function makeMemoryHeads(remembered: ReadonlyMap<string, Head>): HeadStore {
  const heads = new Map(remembered);
  return {
    shared: false,
    read: async (origin) => heads.get(origin),
    advance: async ({ origin, head, expectedSize }) => {
      const isNext = heads.get(origin)?.size === expectedSize && head.size > (expectedSize ?? -1);
      if (isNext) heads.set(origin, head);
      return isNext;
    },
    close: async () => {},
  };
}
