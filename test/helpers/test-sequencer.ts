import type { Pool } from 'pg';
import { type Cycle, makeCycle } from '../../src/adapters/postgres/audit/sequencer/cycle.ts';
import { ensureShard } from '../../src/adapters/postgres/audit/sequencer/ensure-shard.ts';
import { listDays } from '../../src/adapters/postgres/audit/sequencer/pending.ts';
import type { CycleReport } from '../../src/adapters/postgres/audit/sequencer/report.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { createTestDatabase } from './database.ts';
import { openKeysets } from './keysets.ts';
import { type HandWriter, makeHandWriter, readShards, tamper } from './pending-log.ts';

export const BASE_ORIGIN = 'log.test/audit';
export const HOLE_MS = 30_000;
export const SILENT_MS = 180_000;

/** A sequencer without a thread, on a database of its own, whose patience passes when a test says so. */
export type TestSequencer = {
  ownerUrl: string;
  serviceUrl: string;
  pool: Pool;
  keysets: Keysets;
  clock: { now(): number; monotonic(): number };
  /** Time passes for the sequencer, not for the database. */
  advance(ms: number): void;
  /** Another instance, which has seen nothing yet. */
  makeCycle(): Cycle;
  /** Turns until two append nothing; what all of them found. */
  settle(cycle?: Cycle): Promise<CycleReport[]>;
  writer(): HandWriter;
  tamper(text: string, values?: unknown[]): Promise<void>;
  shards: () => ReturnType<typeof readShards>;
  close(): Promise<void>;
};

/** Opens it, with a shard of this year. */
export async function openTestSequencer(): Promise<TestSequencer> {
  const database = await createTestDatabase();
  const { ownerUrl, serviceUrl } = database;
  const pool = makePool({ connectionString: serviceUrl, max: 4, name: 'test' });
  const keysets = await openKeysets(pool);
  let passedMs = 0;
  const clock = { now: () => Date.now() + passedMs, monotonic: () => performance.now() + passedMs };
  await ensureShard({
    pool,
    clock: { now: () => Date.now() },
    random: randomBytes,
    baseOrigin: BASE_ORIGIN,
    vkeysOf: async (origin) => [`${origin}+key`],
  });
  const newCycle = () =>
    makeCycle({
      pool,
      clock,
      random: randomBytes,
      auditMac: keysets.auditMac,
      delays: { holeMs: HOLE_MS, silentMs: SILENT_MS },
    });
  const first = newCycle();
  return {
    ownerUrl,
    serviceUrl,
    pool,
    keysets,
    clock,
    advance: (ms) => {
      passedMs += ms;
    },
    makeCycle: newCycle,
    settle: async (cycle = first) => {
      const reports: CycleReport[] = [];
      // What was found in one turn is settled in the next.
      for (let idle = 0; idle < 2; ) {
        // Trouble is looked at once a second.
        passedMs += 1_000;
        const days = await listDays(pool);
        const limits = { events: 4_088, bytes: 16 * 1024 * 1024 };
        const { report, error } = await cycle.run({ days, limits, isThorough: true });
        if (error !== undefined) throw error;
        reports.push(report);
        idle = report.outcome === 'integrated' ? 0 : idle + 1;
      }
      return reports;
    },
    writer: () => makeHandWriter({ pool, keysets }),
    tamper: (text, values) => tamper(ownerUrl, text, values),
    shards: () => readShards(ownerUrl),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}
