// Events a second that one sequencer thread integrates, against an embedded Postgres with its default
// durability: batches of 511 events, each event with one token and one actor. Prints events/s, time for
// 4,096 events, bytes stored for each event with all indexes, and how busy the thread was.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { startPostgres } from '../src/adapters/embedded/postgres.ts';
import { encodeLeaves, encodeSealed, encodeTerms } from '../src/adapters/postgres/audit/framing.ts';
import { startSequencer } from '../src/adapters/postgres/audit/sequencer/sequencer.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { makePool } from '../src/adapters/postgres/pool.ts';
import { termOf } from '../src/crypto/audit-term.ts';
import { batchMac, bootMacKey } from '../src/crypto/batch-mac.ts';
import { disclose } from '../src/crypto/disclosure.ts';
import type { Keysets } from '../src/crypto/keysets.ts';
import { randomBytes } from '../src/crypto/random.ts';
import type { AuditEvent } from '../src/domain/audit/event.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../src/domain/audit/leaf.ts';
import { SEQUENCER_ALARMS } from '../src/telemetry/metrics-sequencer.ts';
import { realClock } from '../test/helpers/clock.ts';
import { createEmptyDatabase, MIGRATIONS } from '../test/helpers/database.ts';
import { openKeysets } from '../test/helpers/keysets.ts';

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
  const auditMac = await keysets.auditMac();
  const boots = Array.from({ length: WRITERS }, () => randomBytes(16));
  for (let batch = 0; batch < EVENTS / BATCH; batch += 1) {
    const boot = boots[batch % WRITERS] ?? randomBytes(16);
    const bootId = boot.toString('base64url');
    const firstSeq = Math.floor(batch / WRITERS) * BATCH;
    const events = await Promise.all(
      Array.from({ length: BATCH }, (_, n) => makeEvent(keysets, [bootId, firstSeq + n])),
    );
    const pending = {
      day: new Date().toISOString().slice(0, 10),
      logId: 1,
      bootId,
      firstSeq: BigInt(firstSeq),
      count: BATCH,
      leaves: encodeLeaves(events.map(({ leaf }) => leaf)),
      who: encodeSealed(events.map(({ who }) => who)),
      what: encodeSealed(events.map(({ what }) => what)),
      terms: encodeTerms(events.map(({ terms }) => terms)),
    };
    const mac = batchMac(bootMacKey(auditMac, bootId), pending);
    const { day, leaves, who, what, terms } = pending;
    await pool.query(
      `insert into audit_pending
         (day, boot_id, first_seq, log_id, n, leaves, sealed_who, sealed_what, terms, mac)
       values ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9)`,
      [day, boot, firstSeq, BATCH, leaves, who, what, terms, mac],
    );
  }
}

async function makeEvent(keysets: Keysets, writer: readonly [string, number]) {
  const atMs = Date.now();
  const token = `tok_${randomBytes(16).toString('base64url')}`;
  const subject = `agent-${randomBytes(1).readUInt8()}@example.com`;
  const event: AuditEvent = {
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
    what: { requestId: randomBytes(16).toString('base64url'), tokens: [token], view: 'masked' },
  };
  const id = randomBytes(16).toString('base64url');
  const who = disclose('who', whoDisclosure(event), randomBytes);
  const what = disclose('what', whatDisclosure(event), randomBytes);
  const cipher = await keysets.privateCipher(0, atMs);
  const key = await keysets.auditTerm(atMs);
  const seal = (label: 'who' | 'what', text: string) => ({
    vaultId: 0,
    sealed: cipher.seal(label, id, Buffer.from(text, 'ascii')),
  });
  return {
    leaf: Buffer.from(leafJson({ event, id, atMs, writer, digests: [who.digest, what.digest] })),
    who: seal('who', who.disclosure),
    what: seal('what', what.disclosure),
    terms: [termOf(key, 'token', token), termOf(key, 'actor', subject)],
  };
}

async function measure(connectionString: string, pool: Pool, keysets: Keysets): Promise<void> {
  let [integrated, busySeconds, cycles] = [0, 0, 0];
  const started = performance.now();
  const cpu = process.cpuUsage();
  const sequencer = await startSequencer({
    connectionString,
    pool,
    baseOrigin: 'bench.example/audit',
    keysets,
    vkeysOf: async () => [],
    clock: realClock,
    random: randomBytes,
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
    alarm: (kind, facts) => {
      // A backlog is what this measures.
      if (kind !== 'pending_late') console.error(SEQUENCER_ALARMS.indexOf(kind), kind, facts);
    },
    recovered: () => {},
  });
  while (integrated < EVENTS) await realClock.sleep(5);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await sequencer.close(1_000);
  const { rows } = await pool.query<{ bytes: string }>(
    'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) as name',
    [STORED],
  );
  console.table({
    'events/s, with start of the thread': Math.round(integrated / seconds),
    'events/s, in cycles': Math.round(integrated / busySeconds),
    'ms for 4,096 events': Math.round((busySeconds / integrated) * 4_096 * 1_000),
    'events for each cycle': Math.round(integrated / cycles),
    'bytes stored for each event': Math.round(Number(rows[0]?.bytes) / integrated),
    'CPU of this process, % of one core': Math.round((user + system) / 1e4 / seconds),
  });
}
