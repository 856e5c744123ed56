// What Postgres gives by itself: the rows that the service stores and reads, through the driver that it uses,
// with its default durability; no service, no audit, no keys.
import type { Pool } from 'pg';
import { byteas, ints, smallints, texts } from '../../src/adapters/postgres/binary-arrays.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { withClient } from '../../test/helpers/database.ts';
import type { LoadFigures } from '../load/generator.ts';
import { roundOf } from '../measure/round.ts';
import { percentile } from '../measure/stats.ts';
import type { Case, Context } from './scenario.ts';

const BATCH = 1_000;
const VAULT_ID = 1;
const FIELD_ID = 1;
/** Of a sealed e-mail address: header, nonce, some twenty bytes, tag. */
const SEALED_BYTES = 85;

/** The columns that a stored token of a deterministic field fills; all indexes of the table are there. */
const INSERT = `
insert into token (shard, vault_id, token, field_id, fp_odd, sealed)
select * from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[], $6::bytea[])
on conflict do nothing`;
/** By the shortest key that finds a row: nobody could read them with less work. */
const COPY_FOR_READS = `
create table raw_token as table token;
create unique index on raw_token (token);
grant select on raw_token to counterfoil_service;
vacuum analyze raw_token`;
const READ = `
select token, shard, field_id, sealed, metadata, created_at, expires_at, reveals_left, subject_id
from raw_token where token = any($1::text[])`;

type Row = { shard: number; token: string; fingerprint: Buffer; sealed: Buffer };

/** Rows with no sense in them, of the size of real ones. */
function makeRow(): Row {
  const bytes = randomBytes(32 + SEALED_BYTES);
  return {
    shard: bytes.readUInt8(0),
    token: `${bytes.toString('hex', 0, 13)}@token.invalid`,
    fingerprint: bytes.subarray(16, 32),
    sealed: bytes.subarray(32),
  };
}

const insertOf = (rows: readonly Row[]) => ({
  name: 'raw-insert',
  text: INSERT,
  values: [
    // As the service sends them: what is compared is the work around the rows, not their encoding.
    smallints(rows.map(({ shard }) => shard)),
    ints(rows.map(() => VAULT_ID)),
    texts(rows.map(({ token }) => token)),
    smallints(rows.map(() => FIELD_ID)),
    byteas(rows.map(({ fingerprint }) => fingerprint)),
    byteas(rows.map(({ sealed }) => sealed)),
  ],
});

/** A database with the service's schema that only raw statements use. */
export async function openRawDatabase({ lab }: Context, connections: number) {
  const database = await lab.postgres.create();
  const pool = makePool({ connectionString: database.serviceUrl, max: connections, name: 'raw' });
  return {
    pool,
    ownerUrl: database.ownerUrl,
    /** Commits one row. */
    commitOne: async () => {
      await pool.query(insertOf([makeRow()]));
    },
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

/** Statements of one row and of a thousand, as many under way at once as the service gets batches. */
export async function rawCases(
  context: Context,
  { connections, stored }: { connections: number; stored: number },
): Promise<{ cases: Case[]; close: () => Promise<void> }> {
  const { pool, ownerUrl, commitOne, close } = await openRawDatabase(context, connections);
  const rows = Array.from({ length: stored }, makeRow);
  for (let start = 0; start < stored; start += BATCH) {
    await pool.query(insertOf(rows.slice(start, start + BATCH)));
  }
  await withClient(ownerUrl, async (client) => {
    for (const statement of COPY_FOR_READS.split(';')) await client.query(statement);
  });
  const thousands = { connections, itemsPerRequest: BATCH };
  const makeRows = () => Array.from({ length: BATCH }, makeRow);
  const cases: Case[] = [
    {
      name: 'raw-commit',
      title: 'raw Postgres: one row a commit',
      connections,
      itemsPerRequest: 1,
      run: async (seconds) =>
        roundOf([await runClosed({ connections, seconds, work: commitOne })], 1),
    },
    {
      name: 'raw-unnest-1000',
      title: 'raw Postgres: insert of 1,000 by unnest',
      ...thousands,
      run: async (seconds) => {
        const work = () => pool.query(insertOf(makeRows()));
        return roundOf([await runClosed({ connections, seconds, work })], BATCH);
      },
    },
    {
      name: 'raw-any-1000',
      title: 'raw Postgres: select of 1,000 by = any',
      ...thousands,
      run: async (seconds) => {
        const work = makeReads(pool, rows);
        return roundOf([await runClosed({ connections, seconds, work })], BATCH);
      },
    },
  ];
  return { cases, close };
}

/** Reads of a thousand rows each, in turn. */
function makeReads(pool: Pool, rows: readonly Row[]): () => Promise<void> {
  let turn = 0;
  return async () => {
    const start = (turn * BATCH) % rows.length;
    turn += 1;
    const wanted = rows.slice(start, start + BATCH);
    const values = [wanted.map(({ token }) => token)];
    const { rowCount } = await pool.query({ name: 'raw-read', text: READ, values });
    if (rowCount !== wanted.length) throw new Error(`read ${rowCount} of ${wanted.length} rows`);
  };
}

/** A closed loop in this process: each of so many begins its next piece when its last is done. */
async function runClosed(options: {
  connections: number;
  seconds: number;
  work: () => Promise<unknown>;
}): Promise<LoadFigures> {
  const { connections, seconds, work } = options;
  const latencies: number[] = [];
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  const worker = async () => {
    while (performance.now() < untilMs) {
      const beganMs = performance.now();
      await work();
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const at = (share: number) => percentile(latencies, share) ?? 0;
  return {
    requests: latencies.length,
    seconds: (performance.now() - startedMs) / 1_000,
    latencyMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    failed: 0,
  };
}
