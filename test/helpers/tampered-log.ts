// A log of 5,000 events with all that belongs to it, for tests of what somebody could do to its database.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { makePublisher } from '../../src/adapters/postgres/audit/publisher/publisher.ts';
import { makeCycle } from '../../src/adapters/postgres/audit/sequencer/cycle.ts';
import { ensureShard } from '../../src/adapters/postgres/audit/sequencer/ensure-shard.ts';
import { listDays } from '../../src/adapters/postgres/audit/sequencer/pending.ts';
import type { Batch } from '../../src/adapters/postgres/audit/writer/batch.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { NO_WITNESSES } from '../../src/adapters/witness/read-witnesses.ts';
import { eraseActor, eraseReference } from '../../src/app/audit/erase.ts';
import { withOperator } from '../../src/app/audit/operator.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { type LogSigner, makeLogSigner } from '../../src/crypto/log-signer.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type { Head, HeadStore } from '../../src/operations/ports/head-store.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { type OpenAuditLog, openAuditLog } from './audit-log.ts';
import { realClock } from './clock.ts';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
  withClient,
} from './database.ts';
import { type GivenEvent, sampleEvent } from './filled-log.ts';
import { openKeysets } from './keysets.ts';
import { type HandWriter, makeHandWriter } from './pending-log.ts';
import { rememberOpenings } from './remember-openings.ts';

export const BASE_ORIGIN = 'log.test/audit';
/** The tables of the log; in each backup all of them. */
export const LOG_TABLES = [
  'audit_pending',
  'audit_log',
  'audit_writer',
  'audit_segment',
  'audit_term',
  'audit_tile',
  'audit_checkpoint',
  'audit_turn',
  'audit_erasure',
] as const;

export type LogTable = (typeof LOG_TABLES)[number];

export type TamperedLog = {
  database: TestDatabase;
  /** The same from a backup: as it was when the log was half as long. */
  restored: TestDatabase;
  pool: Pool;
  keysets: Keysets;
  signer: LogSigner;
  /** Folder where the signed state is remembered, and what is in it, by origin. */
  headFolder: string;
  heads: ReadonlyMap<string, Head>;
  /** Name of the active shard. */
  shard: string;
  /** First index of the longest segment of the active shard. */
  segment: number;
  /** Its first event, its last one, and those about its middle. */
  probes: readonly { id: string; index: number }[];
  /** Durable batches that no sequencer has seen, of one living writer. */
  waiting: readonly Batch[];
  close(): Promise<void>;
};

/** Origins of shards end with their names. */
export const originOf = (shard: string): string => `${BASE_ORIGIN}/${shard}`;

/** Where the tables lie as they were when the log was half as long. */
export const EARLIER = 'earlier';

/** What `openKeysets` uses. */
export const ROOT_KEY = Buffer.alloc(32, 7);

/** The log while it grows. */
type Growing = Pick<OpenAuditLog, 'pool' | 'keysets' | 'writer'> & {
  signer: LogSigner;
  heads: HeadStore;
  ownerUrl: string;
  /** At work all the time; the real writers come and go. */
  living: HandWriter;
};

/**
 * Two shards, the first one frozen, and in the second 5,000 events of real writers; several checkpoints; two
 * erasures; a writer at work with batches that are in the tree, and others that are not.
 */
export async function openTamperedLog(): Promise<TamperedLog> {
  const database = await createTestDatabase();
  const headFolder = await mkdtemp(join(tmpdir(), 'tampered-'));
  const heads = makeFileHeadStore(headFolder);
  const waiting = await fill(database, heads);
  const restored = await restoreEarlier(database);
  const pool = makePool({ connectionString: database.serviceUrl, max: 2, name: 'test-tamper' });
  const keysets = rememberOpenings(await openKeysets(pool));
  const year = new Date().getUTCFullYear();
  const remembered = new Map<string, Head>();
  for (const shard of [String(year - 1), String(year)]) {
    const head = await heads.read(originOf(shard));
    if (head === undefined) throw new Error(`nothing was signed of ${shard}`);
    remembered.set(originOf(shard), head);
  }
  return {
    database,
    restored,
    pool,
    keysets,
    signer: makeLogSigner({ keysets, sources: ['keyring'] }),
    headFolder,
    heads: remembered,
    shard: String(year),
    ...(await findProbes(pool)),
    waiting,
    close: async () => {
      await pool.end();
      await database.drop();
      await restored.drop();
      await rm(headFolder, { recursive: true });
    },
  };
}

/** A copy in which the log is as it was when it was half as long. Nobody may be connected meanwhile. */
async function restoreEarlier({ ownerUrl }: TestDatabase): Promise<TestDatabase> {
  const copy = await createEmptyDatabase(new URL(ownerUrl).pathname.slice(1));
  await withClient(copy.ownerUrl, async (client) => {
    await client.query('set session_replication_role = replica');
    for (const statement of rollBack(...LOG_TABLES)) await client.query(statement);
  });
  return copy;
}

/** Puts the tables of the log back to what they were, all or some of them. */
export const rollBack = (...tables: LogTable[]): string[] =>
  tables.flatMap((table) => [
    `delete from ${table}`,
    `insert into ${table} select * from ${EARLIER}.${table}`,
  ]);

async function findProbes(pool: Pool): Promise<Pick<TamperedLog, 'segment' | 'probes'>> {
  const { rows } = await pool.query<{ first: string; n: number; leaves: Buffer }>(
    `select first_index as first, n, leaves from audit_segment where log_id = 2
     order by n desc, first_index limit 1`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('there is no segment');
  const segment = Number(row.first);
  const leaves = decodeLeaves(row.leaves, row.n);
  const middle = Math.floor(row.n / 2);
  const probes = [0, middle - 1, middle, middle + 1, row.n - 1].map((place) => ({
    id: readLeaf(leaves[place] ?? '')?.id ?? '',
    index: segment + place,
  }));
  return { segment, probes };
}

/** Fills the log and leaves no connection behind. What it returns waits for the sequencer. */
async function fill(database: TestDatabase, heads: HeadStore): Promise<Batch[]> {
  const audit = await openAuditLog(database.serviceUrl);
  const { pool, keysets, writer } = audit;
  const signer = makeLogSigner({ keysets, sources: ['keyring'] });
  const living = makeHandWriter({ pool, keysets });
  const log: Growing = {
    ...{ pool, keysets, writer, signer, heads, living },
    ownerUrl: database.ownerUrl,
  };
  await openYear(log, -1);
  await write(log, 300);
  await openYear(log, 0);
  await write(log, 2_500);
  await withClient(database.ownerUrl, async (client) => {
    await client.query(`create schema ${EARLIER}`);
    for (const table of LOG_TABLES) {
      await client.query(`create table ${EARLIER}.${table} as select * from ${table}`);
    }
  });
  await write(log, 2_500);
  await erase(log);
  await settle(log);
  const waiting: Batch[] = [];
  for (const count of [2, 3, 4, 5]) {
    waiting.push(await living.write(someEvents(count)));
  }
  await audit.close();
  return waiting;
}

/** Opens the shard of this year, or of an earlier one. */
async function openYear({ pool, signer }: Growing, years: number): Promise<void> {
  const date = new Date();
  date.setUTCFullYear(date.getUTCFullYear() + years);
  await ensureShard({
    pool,
    clock: { now: () => date.getTime() },
    random: randomBytes,
    baseOrigin: BASE_ORIGIN,
    vkeysOf: signer.vkeysOf,
  });
}

/** Events of both kinds of writers, in the tree and under a checkpoint; some by someone to be erased. */
async function write(log: Growing, count: number): Promise<void> {
  const events = [
    ...someEvents(count - 10),
    ...someEvents(4, 'eve'),
    ...someEvents(2, 'ada', 'C-1'),
  ];
  await Promise.all(events.map((event) => log.writer.append(event)));
  await log.living.write(someEvents(2));
  await log.living.write(someEvents(2));
  await settle(log);
}

function someEvents(count: number, subject = 'ada', reference?: string): GivenEvent[] {
  const actor = { subject, issuer: 'https://id.test', credential: 'jwt:k1', mfa: false };
  const what = { tokens: ['tok_1'], purpose: 'care', ...(reference && { reference }) };
  return Array.from({ length: count }, () => sampleEvent({ who: { actor }, what }));
}

/** Integrates all that is pending, and signs it. */
async function settle(log: Growing): Promise<void> {
  await integrate(log);
  await withClient(log.ownerUrl, (client) =>
    client.query(`update audit_turn set taken_at = taken_at - interval '1 minute'`),
  );
  await makePublisher({
    ...{ pool: log.pool, signer: log.signer, heads: log.heads },
    baseOrigin: BASE_ORIGIN,
    witnessing: NO_WITNESSES,
    metrics: { published: () => {}, frozen: () => {}, watchWitness: () => {} },
    logger: makeLogger({ level: 'silent', redact: [] }),
    clock: realClock,
    random: randomBytes,
  }).round();
}

async function integrate({ pool, keysets }: Growing): Promise<void> {
  const cycle = makeCycle({
    pool,
    clock: realClock,
    random: randomBytes,
    auditMac: keysets.auditMac,
    delays: { holeMs: 30_000, silentMs: 180_000 },
  });
  const days = await listDays(pool);
  for (let isMore = true; isMore; ) {
    const limits = { events: 1_000, bytes: 4 * 1024 * 1024 };
    const { report, error } = await cycle.run({ days, limits, isThorough: false });
    if (error !== undefined) throw error;
    isMore = report.outcome === 'integrated';
  }
}

/** As an operator does who runs the commands, while a sequencer is at work. */
async function erase(log: Growing): Promise<void> {
  let isAtWork = true;
  const sequencing = (async () => {
    while (isAtWork) {
      await integrate(log);
      await sleep(10);
    }
  })();
  try {
    await withOperator({ pool: log.pool, keysets: log.keysets }, async (operator) => {
      const request = { basis: 'gdpr-17', dryRun: false } as const;
      await eraseActor(operator, { subject: 'eve' }, request);
      await eraseReference(operator, 'C-1', request);
    });
  } finally {
    isAtWork = false;
    await sequencing;
  }
}
