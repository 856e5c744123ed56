import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { sampleCheckpoints } from '../../src/adapters/postgres/audit/sample-checkpoints.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import {
  checkStoredLog,
  countFindings,
  type FsckDeps,
  startFsck,
} from '../../src/app/audit/fsck.ts';
import { facetTerm } from '../../src/crypto/audit-term.ts';
import { type LogSigner, makeLogSigner } from '../../src/crypto/log-signer.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import {
  type FilledLog,
  type GivenEvent,
  openFilledLog,
  sampleEvent,
} from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';

const TABLES = ['segment', 'term', 'tile', 'checkpoint', 'erasure'];

let database: TestDatabase;
let pool: Pool;
let signer: LogSigner;
let deps: FsckDeps;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  const keysets = await openKeysets(pool);
  signer = makeLogSigner({ keysets, sources: ['keyring'] });
  deps = {
    reader: makeAuditReader({ pool }),
    vkeysOf: signer.vkeysOf,
    keysets,
    checkpointsOf: (logId) => sampleCheckpoints(pool, logId),
    pauseMs: 0,
  };
  const head = await fill('2025', {});
  await fill('2026', { previous: head, writers: { [WRITER]: head.size - 2 } }, head.size - 2);
  const copies = TABLES.map((name) => `create table copy_${name} as table audit_${name};`);
  await sql(`${copies.join('')} ${TABLES.map(disarm).join('')}`);
});
after(async () => {
  await pool.end();
  await database.drop();
});

const WRITER = Buffer.alloc(16, 7).toString('base64url');
const disarm = (name: string) => `alter table audit_${name} disable trigger user;`;
const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text));

type Attributes = NonNullable<GivenEvent['attributes']>;

/** A shard of 640 events by one writer, published twice; its head. */
async function fill(shard: string, opening: Attributes, firstSeq = 0) {
  const origin = `log.test/audit/${shard}`;
  const log = await openFilledLog({ pool, keysets: await openKeysets(pool) }, { shard, origin });
  const vkeys = await signer.vkeysOf(origin);
  const own = (operation: 'log.open' | 'log.freeze', attributes: Attributes) =>
    log.append([sampleEvent({ operation, who: {}, what: {}, attributes })]);
  let seq = firstSeq;
  const write = (count: number) =>
    log.append(
      Array.from({ length: count }, () => {
        const operation = seq === 0 ? 'audit.writer.start' : 'detokenize';
        const what = { tokens: [`tok_${seq}`], purpose: 'support' };
        return sampleEvent({ operation, what, writer: [WRITER, seq++] });
      }),
    );
  await own('log.open', { origin, vkeys, ...opening });
  await write(300);
  await publish(log, origin);
  await write(339);
  await own('log.freeze', { size: 641 });
  await publish(log, origin);
  return { origin, size: 641, root: log.edge.root().toString('base64') };
}

async function publish(log: FilledLog, origin: string): Promise<void> {
  const [size, root] = [log.edge.size(), log.edge.root()];
  const note = signCheckpoint({ origin, size, root }, await signer.signersOf(origin));
  const values = [log.logId, size, root, note];
  await pool.query('select audit_publish($1, $2, $3, $4)', values);
}

/** What a pass finds after a change by the owner of the database, which is then undone. */
async function findingsAfter(change: string): Promise<Set<string>> {
  await sql(change);
  try {
    const shards = await checkStoredLog(deps);
    return new Set(shards.flatMap(({ report }) => report.findings.map(({ kind }) => kind)));
  } finally {
    for (const name of TABLES) {
      await sql(`truncate audit_${name}; insert into audit_${name} select * from copy_${name}`);
    }
  }
}

const flip = (column: string, at: number) =>
  `${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`;

test('a log in which all is well has no findings, in any shard', async () => {
  const shards = await checkStoredLog(deps);
  assert.deepEqual(
    shards.map(({ report }) => [report.log?.shard, report.log?.size, report.findings]),
    [
      ['2026', 641, []],
      ['2025', 641, []],
    ],
  );
  const counts = shards[0]?.report.checked.map(({ check, count }) => [check, count]);
  const checked = new Map(counts as [string, number][]);
  assert.equal(checked.get('consistency'), 2);
  assert.equal(checked.get('disclosures'), 2 * 639);
  assert.ok((checked.get('index') ?? 0) >= 2);
  assert.equal(checked.get('chain'), 1);
});

const MANY = 'where n > 100';
const CASES: [string, string, string][] = [
  ['an entry', `update audit_segment set ${flip('leaves', 700)} ${MANY}`, 'store_damaged'],
  ['a tile', `update audit_tile set ${flip('hashes', 40)}`, 'root_wrong'],
  [
    'a sealed disclosure',
    `update audit_segment set ${flip('who', 60)} ${MANY}`,
    'disclosure_missing',
  ],
  [
    'where an entry begins',
    `update audit_segment set offsets = decode(repeat('00', 12 * n), 'hex') ${MANY}`,
    'store_damaged',
  ],
  ['the terms of tokens', 'delete from audit_term where segment > 0', 'index_wrong'],
  ['one facet', `delete from audit_term where term = ${facetTerm('out:allow')}`, 'index_wrong'],
  ['segments that are gone', 'delete from audit_segment where first_index = 301', 'store_damaged'],
  ['an old checkpoint', `update audit_checkpoint set note = 'x' where size = 301`, 'since_refused'],
];

for (const [name, change, kind] of CASES) {
  test(`a change is found, under its name: ${name}`, async () => {
    const found = await findingsAfter(change);
    assert.ok(found.has(kind), `${[...found]}`);
  });
}

test('an erasure that no leaf tells of is found', async () => {
  const index = Buffer.alloc(8);
  index.writeUInt8(9, 7);
  const found = await findingsAfter(
    `insert into audit_erasure (event_id, log_id, label, indexes)
     values (decode('${'00'.repeat(16)}', 'hex'), 1, 'who', decode('${index.toString('hex')}', 'hex'))`,
  );
  assert.ok(found.has('erasure_unproved'), `${[...found]}`);
});

test('a published checkpoint of another tree is found, though the right key signed it', async () => {
  const origin = 'log.test/audit/2026';
  const other = { origin, size: 301, root: Buffer.alloc(32, 9) };
  const note = signCheckpoint(other, await signer.signersOf(origin));
  const found = await findingsAfter(
    `update audit_checkpoint set note = '${note}' where size = 301 and log_id = 2`,
  );
  assert.ok(found.has('history_changed'), `${[...found]}`);
});

test('a shard that is gone is missed by the one that follows it', async () => {
  const shards = await checkStoredLog({
    ...deps,
    reader: { ...deps.reader, shards: async () => (await deps.reader.shards()).slice(0, 1) },
  });
  assert.deepEqual(countFindings(shards), { failed: 0, alarm: 1, notice: 0 });
  assert.equal(shards[0]?.report.findings[0]?.kind, 'chain_lost');
});

test('an outage ends the pass, and is no finding', async () => {
  const away = makePool({ connectionString: 'postgres://127.0.0.1:1/none', max: 1, name: 'none' });
  await assert.rejects(checkStoredLog({ ...deps, reader: makeAuditReader({ pool: away }) }), {
    code: 'store_unavailable',
  });
  await away.end();
});

test('a service re-checks by itself, counts what it finds, and says each kind once', async () => {
  await sql(`update audit_segment set ${flip('who', 60)} where log_id = 2 and first_index = 1`);
  const lines: string[] = [];
  const log = (event: string, fields: { readonly [name: string]: unknown } = {}) => {
    lines.push(`${event} ${fields['kind'] ?? ''}`.trim());
  };
  const { promise: passed, resolve } = Promise.withResolvers<object>();
  let entries = 0;
  const fsck = startFsck({
    ...deps,
    intervalMs: 60_000,
    firstMs: 0,
    clock: { now: () => 5_000 },
    metrics: {
      entries: (count) => {
        entries += count;
      },
      passed: resolve,
    },
    logger: { info: log, warn: log, error: log },
  });
  assert.deepEqual(await passed, { failed: 1, alarm: 0, notice: 0, atMs: 5_000 });
  await fsck.close();
  assert.equal(entries, 2 * 641);
  assert.deepEqual(lines, ['audit_fsck_finding disclosure_missing', 'audit_fsck_done']);
});
