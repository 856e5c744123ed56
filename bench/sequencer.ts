// Events a second that one sequencer thread integrates, against an embedded Postgres with its default
// durability: batches of 511 events, each event with one token and one actor. Prints events/s, time for
// 4,096 events, bytes stored for each event with all indexes, and how busy the thread was.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { startPostgres } from '../src/adapters/embedded/postgres.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { makePool } from '../src/adapters/postgres/pool.ts';
import type { Keysets } from '../src/crypto/keysets.ts';
import { randomBytes } from '../src/crypto/random.ts';
import type { AuditEvent } from '../src/domain/audit/event.ts';
import { realClock } from '../test/helpers/clock.ts';
import { createEmptyDatabase, MIGRATIONS } from '../test/helpers/database.ts';
import { openKeysets } from '../test/helpers/keysets.ts';
import { makeHandWriter } from '../test/helpers/pending-log.ts';
import { runSequencer } from '../test/helpers/running-sequencer.ts';

const BATCH = 511;
const WRITERS = 4;
const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 163_520);
const STORED = ['audit_segment', 'audit_term', 'audit_tile'];

const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
const postgres = await startPostgres({ dataDir, report: () => {} });
try {
  process.env['TEST_DATABASE_URL'] = postgres.urls.admin;
  const database = await createEmptyDatabase();
  await migrate({ connectionString: database.ownerUrl, directory: MIGRATIONS });
  const pool = makePool({ connectionString: database.serviceUrl, max: 2, name: 'bench' });
  const keysets = await openKeysets(pool);
  await fill(pool, keysets);
  await measure(database.serviceUrl, pool, keysets);
  await pool.end();
} finally {
  await postgres.close();
  await rm(dataDir, { recursive: true, force: true });
}

/** Writes batches as writers do. */
async function fill(pool: Pool, keysets: Keysets): Promise<void> {
  const writers = Array.from({ length: WRITERS }, () => makeHandWriter({ pool, keysets }));
  for (let batch = 0; batch < EVENTS / BATCH; batch += 1) {
    await writers[batch % WRITERS]?.write(Array.from({ length: BATCH }, makeEvent));
  }
}

function makeEvent(): AuditEvent {
  const subject = `agent-${randomBytes(1).readUInt8()}@example.com`;
  return {
    operation: 'detokenize',
    outcome: 'allow',
    status: 200,
    vault: 'demo',
    policy: '1:0123456789abcdef',
    items: 1,
    who: {
      actor: { subject, issuer: 'https://id.example.com', credential: 'jwt:key-1', mfa: true },
      source: { ip: '192.0.2.17' },
    },
    what: {
      requestId: randomBytes(16).toString('base64url'),
      tokens: [`tok_${randomBytes(16).toString('base64url')}`],
      view: 'masked',
    },
  };
}

async function measure(connectionString: string, pool: Pool, keysets: Keysets): Promise<void> {
  let [integrated, busySeconds, cycles] = [0, 0, 0];
  const cpu = process.cpuUsage();
  const sequencer = await runSequencer({
    connectionString,
    pool,
    keysets,
    watch: {
      integrated: ({ events, seconds }) => {
        integrated += events;
        busySeconds += seconds;
        cycles += 1;
      },
      gap: () => {},
      alarm: () => {},
      condition: () => {},
      pending: () => {},
    },
  });
  const started = performance.now();
  while (integrated < EVENTS) await realClock.sleep(5);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await sequencer.close(1_000);
  const { rows } = await pool.query<{ bytes: string }>(
    'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) as name',
    [STORED],
  );
  console.table({
    'events/s, with the start of the thread': Math.round(integrated / seconds),
    'events/s, in cycles': Math.round(integrated / busySeconds),
    'ms for 4,096 events': Math.round((busySeconds / integrated) * 4_096 * 1_000),
    'events for each cycle': Math.round(integrated / cycles),
    'bytes stored for each event': Math.round(Number(rows[0]?.bytes) / integrated),
    'CPU of this process, % of one core': Math.round((user + system) / 1e4 / seconds),
  });
}
