// A log on a real database, and publishers over it, for tests.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import type { PublisherDeps } from '../../src/adapters/postgres/audit/publisher/deps.ts';
import { makePublisher } from '../../src/adapters/postgres/audit/publisher/publisher.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { NO_WITNESSES } from '../../src/adapters/witness/read-witnesses.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { makeLogSigner } from '../../src/crypto/log-signer.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { openCheckpoint, type ParsedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { realClock } from './clock.ts';
import { createTestDatabase, withClient } from './database.ts';
import { type FilledLog, openFilledLog, sampleEvent } from './filled-log.ts';
import { openKeysets } from './keysets.ts';

export const BASE_ORIGIN = 'log.test/audit';
export const ORIGIN = `${BASE_ORIGIN}/2026`;

/** A published checkpoint, its signature by the log verified. */
export type Published = ParsedCheckpoint & { shard: string; note: string };

export type LogUnderTest = {
  pool: Pool;
  keysets: Keysets;
  log: FilledLog;
  /** Appends plain events to the first shard. */
  grow(count: number): Promise<void>;
  /** Holds the second that began with the last checkpoint. */
  sameTurn(): Promise<void>;
  /** Lets it pass. */
  nextTurn(): Promise<void>;
  /** Runs a statement as the database's owner, who has switched all triggers off. */
  tamper(sql: string, values?: unknown[]): Promise<void>;
  rows<Row>(sql: string): Promise<Row[]>;
  /** All published checkpoints, oldest first. */
  published(): Promise<Published[]>;
  /** A new folder for heads. */
  newFolder(): Promise<string>;
  close(): Promise<void>;
};

/** Opens a shard whose first leaf names the key that publishers of this helper sign with. */
export async function openLogUnderTest(): Promise<LogUnderTest> {
  const database = await createTestDatabase();
  const folders = await mkdtemp(join(tmpdir(), 'publisher-'));
  const pool = makePool({ connectionString: database.serviceUrl, max: 8, name: 'test' });
  const keysets = await openKeysets(pool);
  const log = await openFilledLog({ pool, keysets }, { shard: '2026', origin: ORIGIN });
  const { vkeysOf } = makeLogSigner({ keysets, sources: ['keyring'] });
  const opening = { origin: ORIGIN, vkeys: await vkeysOf(ORIGIN) };
  await log.append([sampleEvent({ operation: 'log.open', attributes: opening })]);
  const rows = <Row>(sql: string) =>
    withClient(database.ownerUrl, async (client) => (await client.query(sql)).rows as Row[]);
  const tamper = (sql: string, values: unknown[] = []) =>
    withClient(database.ownerUrl, async (client) => {
      await client.query('set session_replication_role = replica');
      await client.query(sql, values);
    });
  return {
    pool,
    keysets,
    log,
    grow: (count) => log.append(Array.from({ length: count }, () => sampleEvent())),
    sameTurn: () =>
      tamper(`update audit_turn set taken_at = clock_timestamp() + interval '1 hour'`),
    nextTurn: () =>
      tamper(`update audit_turn set taken_at = clock_timestamp() - interval '1001 milliseconds'`),
    tamper,
    rows,
    published: async () => {
      const found = await rows<{ shard: string; origin: string; note: string }>(
        `select l.shard, l.origin, c.note from audit_checkpoint c join audit_log l using (log_id)
         order by c.log_id, c.size`,
      );
      return Promise.all(
        found.map(async ({ shard, origin, note }) => {
          const keys = (await vkeysOf(origin)).map(parseVerifierKey);
          return { ...openCheckpoint({ note, origin, log: keys }).checkpoint, shard, note };
        }),
      );
    },
    newFolder: () => mkdtemp(join(folders, 'heads-')),
    close: async () => {
      await pool.end();
      await database.drop();
      await rm(folders, { recursive: true });
    },
  };
}

/** An instance that publishes: what it logs and measures, and the memory that it has of its own. */
export type Instance = {
  round(): Promise<void>;
  deps: PublisherDeps;
  /** `level event`, in order. */
  lines: string[];
  /** Newest values. */
  measured: { size: number; frozen: number; lags: Map<string, () => number> };
};

export async function startInstance(
  test: LogUnderTest,
  more: Partial<PublisherDeps> = {},
): Promise<Instance> {
  const lines: string[] = [];
  const measured: Instance['measured'] = { size: 0, frozen: 0, lags: new Map() };
  const at = (level: string) => (event: string) => {
    lines.push(`${level} ${event}`);
  };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  const deps: PublisherDeps = {
    pool: test.pool,
    baseOrigin: BASE_ORIGIN,
    signer: makeLogSigner({ keysets: test.keysets, sources: ['keyring'] }),
    heads: makeFileHeadStore(await test.newFolder()),
    witnessing: NO_WITNESSES,
    metrics: {
      published: ({ size }) => {
        measured.size = size;
      },
      frozen: (shards) => {
        measured.frozen = shards;
      },
      watchWitness: (name, read) => {
        measured.lags.set(name, read);
      },
    },
    logger,
    clock: realClock,
    random: randomBytes,
    ...more,
  };
  return { ...makePublisher(deps), deps, lines, measured };
}
