// `node bench/audit-search.ts`: how long the first page of a search takes. Fills an embedded Postgres of
// its own with BENCH_EVENTS events in segments of BENCH_SEGMENT, through the sequencer's statement;
// content is synthetic, sizes are not. Ten million events need 20 GB of disk while it runs.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../src/adapters/embedded/postgres.ts';
import { makeAuditReader } from '../src/adapters/postgres/audit/reader/reader.ts';
import { appendSegment, type SequencedEvent } from '../src/adapters/postgres/audit/segment.ts';
import { makePool } from '../src/adapters/postgres/pool.ts';
import { inTransaction } from '../src/adapters/postgres/session.ts';
import { facetTerm, purposeFacet } from '../src/crypto/audit-term.ts';
import { randomBytes } from '../src/crypto/random.ts';
import type { Leaf } from '../src/domain/audit/read-leaf.ts';
import type { AuditReader, EventQuery } from '../src/operations/ports/audit-reader.ts';
import { makeEdge } from '../src/tlog/edge.ts';
import { emptyRoot } from '../src/tlog/hash.ts';
import { createTestDatabase, withClient } from '../test/helpers/database.ts';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 200_000);
const SEGMENT = Number(process.env['BENCH_SEGMENT'] ?? 2_000);
const ROUNDS = 200;
const PAGE = 50;

const VAULTS = ['customers', 'cards', 'employees', 'partners', 'archive'];
const OPERATIONS = ['detokenize', 'tokenize', 'detokenize', 'lookup', 'revoke'];
const ACTORS = 200;
const PURPOSES = 12;
const EVENTS_PER_TOKEN = 10;
const DENIED_EVERY = 1_000;
const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 0, 1);
const SPAN_MS = 120 * DAY_MS;

const upTo = (count: number) => Math.floor(Math.random() * count);
const pick = (list: readonly string[]) => list[upTo(list.length)] ?? '';
const tokenTerm = (n: number) => facetTerm(`token ${n}`);
const actorTerms = Array.from({ length: ACTORS }, (_, n) => facetTerm(`actor ${n}`));
const purposeTerms = Array.from({ length: PURPOSES }, (_, n) => facetTerm(`purpose ${n}`));
const anyOf = (terms: readonly bigint[]) => terms[upTo(terms.length)] ?? 0n;

/** An event of 380 + 500 bytes; its disclosures are noise. */
function makeEvent(index: number): SequencedEvent {
  const noise = randomBytes(88).toString('base64url');
  const id = noise.slice(0, 22);
  const t = FIRST_MS + Math.floor((SPAN_MS / EVENTS) * index);
  const isDenied = upTo(DENIED_EVERY) === 0;
  const [op, vlt, out] = [pick(OPERATIONS), pick(VAULTS), isDenied ? 'deny' : 'allow'] as const;
  const text =
    `{"_sd":["${noise.slice(22, 65)}","${noise.slice(65, 108)}"],"id":"${id}","n":1,"op":"${op}",` +
    `"out":"${out}","pol":"7:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",` +
    `"rc":${isDenied ? '403,"rsn":"view_not_granted"' : 200},"t":${t},"v":1,"vlt":"${vlt}",` +
    `"w":["XS24KCX3RcmL-dZX6gEjZg",${index}]}`;
  const leaf: Leaf = { v: 1, id, t, op, out, rc: 200, vlt, n: 1, _sd: [] };
  return {
    bytes: Buffer.from(text, 'latin1'),
    leaf,
    who: { vaultId: 1, sealed: Buffer.alloc(242, noise) },
    what: { vaultId: 1, sealed: Buffer.alloc(242, noise) },
    terms: [
      { kind: 'token', hash: tokenTerm(upTo(EVENTS / EVENTS_PER_TOKEN)) },
      { kind: 'actor', hash: anyOf(actorTerms) },
      { kind: 'purpose', hash: anyOf(purposeTerms) },
    ],
  };
}

async function fill(pool: Pool): Promise<void> {
  const edge = makeEdge();
  await pool.query('select audit_open(null, $1, $2, $3)', ['2026', 'log.test/2026', emptyRoot()]);
  let written = Promise.resolve();
  for (let first = 0; first < EVENTS; first += SEGMENT) {
    const count = Math.min(SEGMENT, EVENTS - first);
    const events = Array.from({ length: count }, (_, nth) => makeEvent(first + nth));
    // The next segment is made while this one is written.
    await written;
    written = inTransaction(pool, (session) =>
      appendSegment(session, { logId: 1, edge, events, writers: [] }),
    );
  }
  await written;
  const publish = `select audit_publish(1::smallint, $1, $2, 'note')`;
  await pool.query(publish, [EVENTS, edge.root()]);
}

type Search = Partial<EventQuery>;

const anyDay = () => {
  const fromMs = FIRST_MS + upTo(SPAN_MS - DAY_MS);
  return { fromMs, toMs: fromMs + DAY_MS };
};
const SEARCHES: Record<string, () => Search> = {
  'no condition': () => ({}),
  token: () => ({ termGroups: [[tokenTerm(upTo(EVENTS / EVENTS_PER_TOKEN))]] }),
  actor: () => ({ termGroups: [[anyOf(actorTerms)]] }),
  'outcome deny (1 in 1,000)': () => ({ facetGroups: [['out:deny']] }),
  'vault, action, one day': () => ({
    facetGroups: [[`vlt:${pick(VAULTS)}`], [`op:${pick(OPERATIONS)}`]],
    ...anyDay(),
  }),
  purpose: () => ({ facetGroups: [[purposeFacet(anyOf(purposeTerms))]] }),
  'actor, purpose, vault': () => ({
    termGroups: [[anyOf(actorTerms)]],
    facetGroups: [[purposeFacet(anyOf(purposeTerms))], [`vlt:${pick(VAULTS)}`]],
  }),
  'deny, actor, one day': () => ({
    termGroups: [[anyOf(actorTerms)]],
    facetGroups: [['out:deny']],
    ...anyDay(),
  }),
  'token, deny': () => ({
    termGroups: [[tokenTerm(upTo(EVENTS / EVENTS_PER_TOKEN))]],
    facetGroups: [['out:deny']],
  }),
};

/** The same queries twice: each for the first time, then with all that it needs in some cache. */
async function measure(reader: AuditReader, make: () => Search) {
  const queries = Array.from({ length: ROUNDS }, () => ({
    termGroups: [],
    facetGroups: [],
    limit: PAGE,
    ...make(),
  }));
  const first = await runAll(reader, queries);
  const warm = await runAll(reader, queries);
  return {
    'first touch p50 ms': first.at(0.5),
    'p95 ms': first.at(0.95),
    'warm p50 ms': warm.at(0.5),
    ' p95 ms': warm.at(0.95),
    'events a page': Math.round(warm.events / ROUNDS),
    'short pages': warm.short,
  };
}

async function runAll(reader: AuditReader, queries: readonly EventQuery[]) {
  const times: number[] = [];
  let [events, short] = [0, 0];
  for (const query of queries) {
    const startedMs = performance.now();
    const page = await reader.search(query);
    times.push(performance.now() - startedMs);
    events += page.events.length;
    short += page.events.length < PAGE && page.next !== undefined ? 1 : 0;
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
  return { at, events, short };
}

/** Makes what is touched first come from the disk, as far as the machine lets us. */
async function forget(dataDir: string): Promise<void> {
  const run = promisify(execFile);
  await run('sync', []).catch(() => {});
  const drop = [
    '-type',
    'f',
    '-exec',
    'dd',
    'if={}',
    'iflag=nocache',
    'count=0',
    'status=none',
    ';',
  ];
  await run('find', [dataDir, ...drop]).catch(() => {});
}

const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
// Durability is not what is measured here.
const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  max_wal_size: '8GB',
  shared_buffers: '512MB',
};
const start = () => startPostgres({ dataDir, settings, report: console.error });
let postgres: EmbeddedPostgres = await start();
try {
  process.env['TEST_DATABASE_URL'] = postgres.urls.admin;
  const database = await createTestDatabase();
  const startedMs = performance.now();
  const filler = new Pool({ connectionString: database.serviceUrl, max: 2 });
  filler.on('error', () => {});
  await fill(filler);
  await filler.end();
  const seconds = (performance.now() - startedMs) / 1_000;
  await withClient(database.ownerUrl, async (client) => {
    await client.query('vacuum analyze audit_segment, audit_term, audit_tile');
    const { rows } = await client.query(`
      select relname as relation, pg_total_relation_size(oid)::float8 / ${EVENTS} as bytes_an_event
      from pg_class where relname in ('audit_segment', 'audit_term', 'audit_tile') order by 1`);
    console.table(rows);
  });
  console.log(`${EVENTS} events in segments of ${SEGMENT}, filled in ${seconds.toFixed(0)} s`);
  await postgres.close();
  await forget(dataDir);
  postgres = await start();
  // The socket's folder is a new one.
  const url = new URL(database.serviceUrl);
  url.search = new URL(postgres.urls.admin).search;
  const pool = makePool({ connectionString: url.href, max: 1, name: 'bench' });
  // To connect is no part of a search.
  await pool.query('select');
  const reader = makeAuditReader({ pool });
  const table: Record<string, unknown> = {};
  for (const [name, make] of Object.entries(SEARCHES)) {
    table[name] = await measure(reader, make);
  }
  console.log(`first pages of ${PAGE}, ${ROUNDS} of each kind`);
  console.table(table);
  await pool.end();
} finally {
  await postgres.close();
  await rm(dataDir, { recursive: true, force: true });
}
