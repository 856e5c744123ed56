// Every statement of the request path goes down indexes by key, whatever the planner believes of the tables:
// plans are kept on connections, and tables grow by thousands of rows a second under them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { Client, type Pool } from 'pg';
import { makeBudgetStore } from '../../src/adapters/postgres/budgets.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import type { Statement } from '../../src/adapters/postgres/session.ts';
import { makeTokenStore } from '../../src/adapters/postgres/tokens.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import type { NewToken } from '../../src/operations/ports/token-store.ts';
import {
  importedToken,
  newAnswer,
  newToken,
  smallToken,
  twins,
  VAULT_ID,
} from '../contract/token-store-rows.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

/** The columns of each index that a request may use. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  token_pkey: ['shard', 'vault_id', 'token'],
  token_fp_even: ['shard', 'vault_id', 'field_id', 'fp_even'],
  token_fp_odd: ['shard', 'vault_id', 'field_id', 'fp_odd'],
  revocation_pkey: ['shard', 'vault_id', 'token'],
  tombstone_pkey: ['shard', 'vault_id', 'digest'],
  subject_pkey: ['vault_id', 'id'],
  subject_vault_id_digest_key: ['vault_id', 'digest'],
  idempotency_pkey: ['vault_id', 'key'],
};
const TABLES = ['token', 'revocation', 'tombstone', 'subject', 'idempotency', 'token_subject'];

let database: TestDatabase;
let pool: Pool;
let statements: Map<string, Statement>;

before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'plans', byKey: true });
  await ensureVault({ pool, clock }, 'one');
  await withClient(database.ownerUrl, async (client) => {
    // Nobody gathers statistics but this test.
    for (const table of TABLES) {
      await client.query(`alter table ${table} set (autovacuum_enabled = off)`);
    }
  });
  statements = await recordStatements();
});
after(async () => {
  await pool.end();
  await database.drop();
});

/** What the store sends for each kind of call, by name. */
async function recordStatements(): Promise<Map<string, Statement>> {
  const recorded = new Map<string, Statement>();
  const send = Client.prototype.query;
  const recording: typeof send = function (this: Client, ...args: unknown[]) {
    const [statement] = args as [Statement];
    if (statement.name !== undefined) recorded.set(statement.name, statement);
    return Reflect.apply(send, this, args);
  };
  Client.prototype.query = recording;
  try {
    await callEverything();
  } finally {
    Client.prototype.query = send;
  }
  return recorded;
}

async function callEverything(): Promise<void> {
  const store = makeTokenStore({ pool, clock, random: randomBytes });
  const digest = randomBytes(32);
  const person = { vaultId: VAULT_ID, digest, sealedSecret: randomBytes(32) };
  const subject = await store.ensureSubject(person);
  for (const version of [1, 2]) {
    const [mine, other] = twins(version) as [NewToken, NewToken];
    await store.insert(mine);
    await store.insert(other);
    const { vaultId, shard, fieldId, fingerprint } = mine;
    if (fingerprint !== undefined) {
      await store.findByFingerprint({ vaultId, shard, fieldId, fingerprint });
    }
  }
  const answer = newAnswer();
  const limited = newToken({ revealsLeft: 2, subjectId: subject.id, sealedForSubject: true });
  await store.insert(limited);
  const small = smallToken({ idempotency: answer, tags: [randomBytes(16)], subjectId: subject.id });
  await store.insert(small);
  // Its string is taken: the claim of its answer is given up.
  await store.insert({ ...small, sealed: randomBytes(80), idempotency: newAnswer() });
  await store.findAnswer({ vaultId: VAULT_ID, key: answer.key });
  await store.takeReveal(limited);
  await store.link({ ...limited, subjectId: subject.id });
  await store.find(limited);
  await store.import(importedToken(twins()[0]));
  await store.revoke(limited);
  const lease = { holder: randomBytes(16), want: 5, limit: 10, windowMs: 60_000 };
  await makeBudgetStore({ pool, clock }).lease({ vaultId: VAULT_ID, ...lease });
}

type Node = {
  'Node Type': string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Relation Name'?: string;
  Plans?: Node[];
};

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Parts of a plan that read a table other than by a whole key. */
function scansOf(plan: Node): Node[] {
  return nodesOf(plan).filter((node) => {
    const type = node['Node Type'];
    // By place, or by what an index below it has found.
    if (!/Scan$/.test(type) || type === 'Tid Scan' || type === 'Bitmap Heap Scan') return false;
    const name = node['Index Name'];
    if (name === undefined) return node['Relation Name'] !== undefined;
    const columns = KEYS[name];
    const condition = node['Index Cond'] ?? '';
    return columns === undefined || !columns.every((column) => condition.includes(`(${column} = `));
  });
}

async function checkPlans(names: Iterable<string> = statements.keys()): Promise<void> {
  const client = await pool.connect();
  try {
    for (const name of names) {
      const text = statements.get(name)?.text;
      const { rows } = await client.query(`explain (generic_plan, format json, costs off) ${text}`);
      const [{ Plan: plan }] = rows[0]['QUERY PLAN'];
      const scans = scansOf(plan).map((node) => JSON.stringify(node));
      assert.deepEqual(scans, [], name);
    }
  } finally {
    client.release();
  }
}

const fill = (rows: number) =>
  withClient(database.ownerUrl, async (client) => {
    await client.query(
      `insert into token (shard, vault_id, token, field_id, fp_odd, sealed)
       select i % 256, 1, 'tok_' || i, 1, substring(sha256(i::text::bytea) for 16),
         sha256(i::text::bytea) || sha256('a') from generate_series(1, $1::int) i
       on conflict do nothing`,
      [rows],
    );
    for (const [table, columns, values] of [
      [
        'revocation',
        'shard, vault_id, token, call_id',
        `i % 256, 1, 'gone_' || i, substring(sha256('a') for 16)`,
      ],
      [
        'tombstone',
        'shard, vault_id, digest, field_id',
        `i % 256, 1, substring(sha256(i::text::bytea) for 16), 1`,
      ],
      ['subject', 'vault_id, digest, sealed_secret', `1, sha256(i::text::bytea), ''`],
      ['idempotency', 'vault_id, key, body, answer', `1, sha256(i::text::bytea), sha256('a'), ''`],
    ] as const) {
      await client.query(
        `insert into ${table} (${columns}) select ${values} from generate_series(1, $1::int) i
         on conflict do nothing`,
        [rows],
      );
    }
  });

const analyze = () =>
  withClient(database.ownerUrl, (client) => client.query(`analyze ${TABLES.join(', ')}`));

it('sees every statement that requests send', () => {
  const names = [
    ...['answer-claim', 'answer-find', 'answer-release', 'budget-lease'],
    ...['subject-insert', 'subject-lock', 'subject-read'],
    ...['token-explain', 'token-find', 'token-insert', 'token-insert-plain'],
    ...['token-find-by-even-fingerprint', 'token-find-by-odd-fingerprint'],
    ...['token-link', 'token-remove-ended', 'token-revoke', 'token-take-reveal'],
  ];
  const missing = names.filter((name) => !statements.has(name));
  assert.deepEqual(missing, []);
});

it('goes by keys in small tables that nobody has analyzed', () => checkPlans());

it('reads and inserts by keys in small tables that were analyzed', async () => {
  // As soon as the server analyzes a table by itself, and its plans are kept while it grows.
  await fill(60);
  await analyze();
  // Changes look at the row that they lock by its key as all others do; how they then join it with the locked
  // ones is the planner's choice.
  const changes = ['token-take-reveal', 'token-revoke'];
  await checkPlans([...statements.keys()].filter((name) => !changes.includes(name)));
});

it('goes by keys in large tables, with the statistics of small ones and with their own', async () => {
  await fill(100_000);
  await checkPlans();
  await analyze();
  await checkPlans();
});

it('goes by keys in large tables that nobody has analyzed', async () => {
  // As if new: without statistics.
  await withClient(database.ownerUrl, async (client) => {
    await client.query(`truncate ${TABLES.join(', ')}, token_tag`);
    await client.query(
      `update pg_class set reltuples = -1, relpages = 0 where relname = any ($1)`,
      [TABLES],
    );
    await client.query('delete from pg_statistic where starelid = any ($1::regclass[])', [TABLES]);
  });
  await fill(100_000);
  await checkPlans();
});
