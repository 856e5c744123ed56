import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { placesOf, readPasswords } from '../../src/adapters/embedded/cluster.ts';
import { findDatabase } from '../../src/adapters/embedded/postgres.ts';
import type { CanaryCage } from './canary-values.ts';
import { runCli } from './dev-instance.ts';

/** Something that a secret could have been written to. */
export type Place = { name: string; bytes: Buffer };

/** Connection string of the superuser of a running instance's Postgres, on the service's database. */
export async function adminUrlOf(dataDir: string): Promise<string> {
  const { admin } = await readPasswords(placesOf(await realpath(dataDir)));
  const url = new URL(await findDatabase(dataDir));
  url.username = 'postgres';
  url.password = admin;
  return url.href;
}

/** Runs SQL as superuser, on a connection of its own. */
async function asAdmin<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const TABLES = `
select c.oid::regclass::text as name, n.nspname in ('pg_catalog', 'information_schema') as system
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and n.nspname not like 'pg_toast%'
order by 1`;

/**
 * Every row of every table, system catalogs included (statistics quote columns), decompressed: as text,
 * where `bytea` is hex, and those that are not the system's in their binary form, too. It shows what
 * pg_dump would, which the embedded Postgres does not bring; where the PATH has one that is new
 * enough, its output is a place as well.
 */
export async function dumpDatabase(url: string): Promise<Place[]> {
  const places = await asAdmin(url, async (client) => {
    const { rows: tables } = await client.query<{ name: string; system: boolean }>(TABLES);
    const dumped: Place[] = [];
    for (const { name, system } of tables) {
      const { rows } = await client.query<{ text: string; binary: Buffer }>(
        `select t::text as text, ${system ? `''::bytea` : 'record_send(t)'} as binary from ${name} t`,
      );
      dumped.push(
        {
          name: `table ${name} as text`,
          bytes: Buffer.from(rows.map(({ text }) => text).join('\n')),
        },
        { name: `table ${name} as bytes`, bytes: Buffer.concat(rows.map(({ binary }) => binary)) },
      );
    }
    return dumped;
  });
  const version = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  if (Number(/ (\d+)\./.exec(version)?.[1] ?? 0) >= 18) {
    const { status, stdout } = spawnSync('pg_dump', [url], { maxBuffer: 2 ** 30 });
    if (status !== 0) throw new Error('pg_dump failed');
    places.push({ name: 'pg_dump', bytes: stdout });
  }
  return places;
}

/** Tables that would hold a secret, were one to get there; an empty one proves nothing. */
const FILLED = [
  ...['token', 'token_subject', 'token_tag', 'tombstone', 'revocation', 'subject', 'idempotency'],
  ...['budget_lease', 'erasure'],
];

/** Fails unless there was something in them. */
export function checkFilled(tables: readonly Place[]): void {
  for (const table of FILLED) {
    const dump = tables.find(({ name }) => name === `table ${table} as text`);
    assert.ok(dump !== undefined && dump.bytes.length > 0, `${table} is empty`);
  }
}

const REDIS_CONTROL = 'canary-control';

/** Every key of a Redis with its value, and `control`, which is put there for that. */
export async function dumpRedis(url: string, control: Buffer): Promise<Place> {
  const redis = new Redis(url);
  try {
    await redis.set(REDIS_CONTROL, control);
    const keys = await redis.keysBuffer('*');
    assert.ok(
      keys.some((key) => key.includes(':volatile:')),
      'Redis has volatile values',
    );
    const values = await Promise.all(keys.map((key) => redis.getBuffer(key)));
    const found = [...keys, ...values].flatMap((bytes) => bytes ?? []);
    return { name: 'redis', bytes: Buffer.concat(found.flatMap((bytes) => [bytes, NEW_LINE])) };
  } finally {
    await redis.del(REDIS_CONTROL);
    redis.disconnect();
  }
}

const NEW_LINE = Buffer.from('\n');

/**
 * The record with its disclosures opened, as an operator with the keys reads it. What the caller gave as
 * evidence (name, user agent, reference) is meant to stand there, and is taken out.
 */
export async function openedRecord(dataDir: string, cage: CanaryCage): Promise<Place> {
  const tail = await runCli(['audit', 'tail', '--limit', '10000', '--json'], { dataDir });
  assert.equal(tail.code, 0, tail.stderr);
  let evidence = 0;
  const lines = tail.stdout.trimEnd().split('\n');
  const text = JSON.stringify(
    lines.map((line) => JSON.parse(line)),
    (key, value) => {
      if (!['sub', 'ua', 'reference'].includes(key)) return value;
      evidence += cage.formsOf(value).length;
      return '(evidence)';
    },
  );
  assert.ok(evidence > 500, 'the record has the evidence that callers gave');
  return { name: 'opened record', bytes: Buffer.from(text) };
}

/** Every file below a folder. */
export async function readFiles(folder: string): Promise<Place[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { name: path.slice(folder.length + 1), bytes: await readFile(path) };
    }),
  );
}

/** One way in which Postgres can fail under a running service, and its repair. */
export type Outage = { name: string; database: string; begin: string[]; end: string[] };

/** Errors whose texts would quote rows, parameters or statements, were anybody to pass them on. */
export const OUTAGES: readonly Outage[] = [
  {
    name: 'a table is missing',
    database: 'counterfoil',
    begin: ['alter table token rename to token_away'],
    end: ['alter table token_away rename to token'],
  },
  {
    name: 'every row is refused, and the error shows it',
    database: 'counterfoil',
    begin: [`alter table token add constraint outage check (token = '') not valid`],
    end: ['alter table token drop constraint outage'],
  },
  {
    name: 'the log cannot be written',
    database: 'counterfoil',
    begin: ['revoke insert on audit_pending from counterfoil_service'],
    end: ['grant insert on audit_pending to counterfoil_service'],
  },
  {
    name: 'nobody is let in',
    database: 'postgres',
    begin: [
      'alter database counterfoil with allow_connections false',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'counterfoil'`,
    ],
    end: ['alter database counterfoil with allow_connections true'],
  },
];

/** Runs statements as superuser in a database of the instance's Postgres. */
export function runAsAdmin(url: string, { database, sql }: { database: string; sql: string[] }) {
  const target = new URL(url);
  target.pathname = `/${database}`;
  return asAdmin(target.href, async (client) => {
    for (const statement of sql) await client.query(statement);
  });
}
