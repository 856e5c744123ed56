import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { VaultError } from '../../src/domain/errors.ts';
import type { AuditReader } from '../../src/operations/ports/audit-reader.ts';
import { readAll } from '../contract/audit-reader-under-test.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { openFilledLog, sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';

let database: TestDatabase;
let pool: Pool;
let reader: AuditReader;
let deps: Parameters<typeof openFilledLog>[0];
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 1, name: 'test' });
  reader = makeAuditReader({ pool });
  deps = { pool, keysets: await openKeysets(pool) };
});
after(async () => {
  await pool.end();
  await database.drop();
});

const isInternal = (error: unknown) => error instanceof VaultError && error.code === 'internal';

const SEGMENT = 'log_id = $1 and first_index = 100';
const FLIP = (column: string, place: number) =>
  `update audit_segment set ${column} =
    set_byte(${column}, ${place}, get_byte(${column}, ${place}) # 1) where ${SEGMENT}`;

/** What somebody who owns the database could do, to the second of three segments or to its tree. */
const DAMAGES = {
  'one bit of a leaf is flipped': FLIP('leaves', 5_000),
  'the length of a leaf is altered': FLIP('leaves', 1),
  'the leaves are cut': `update audit_segment
    set leaves = substring(leaves for octet_length(leaves) - 1) where ${SEGMENT}`,
  'a leaf is added': `update audit_segment set leaves = leaves || '\\x000141' where ${SEGMENT}`,
  'two segments are exchanged': `update audit_segment set
    leaves = (select leaves from audit_segment where log_id = $1 and first_index = 0),
    offsets = (select offsets from audit_segment where log_id = $1 and first_index = 0), n = 100
    where ${SEGMENT}`,
  'the number of events is lowered': `update audit_segment set n = 299 where ${SEGMENT}`,
  'the number of events is raised': `update audit_segment set n = 301 where ${SEGMENT}`,
  'the segment is deleted': `delete from audit_segment where ${SEGMENT}`,
  'the segment is moved': `update audit_segment set first_index = 99 where ${SEGMENT}`,
  'a full tile is altered': `update audit_tile set hashes = set_byte(hashes, 8191, 0)
    where log_id = $1 and level = 0 and n = 0 and get_byte(hashes, 8191) <> 0`,
  'a full tile is deleted': 'delete from audit_tile where log_id = $1 and level = 0 and n = 1',
  'the edge is cut': `update audit_log set edge = '' where log_id = $1`,
} as const;

for (const [damage, statement] of Object.entries(DAMAGES)) {
  test(`it is an error, not an answer, when ${damage}`, async () => {
    const { logId, index } = await fill();
    await asOwner(statement, logId);
    await assert.rejects(readAll(reader, logId), isInternal);
    const query = { termGroups: [], facetGroups: [['op:detokenize']], limit: 600 };
    await assert.rejects(reader.search({ ...query, before: { logId, index } }), isInternal);
    const bundles = [0, 1, 2].map((nth) => reader.bundle(logId, { index: nth, width: 88 }));
    const tiles = [0, 1, 2].map((nth) => reader.tile(logId, { level: 0, index: nth, width: 88 }));
    const settled = await Promise.allSettled([...bundles, ...tiles]);
    const refused = settled.filter((each) => each.status === 'rejected');
    assert.ok(refused.every(({ reason }) => isInternal(reason)));
  });
}

/** Readers of whole segments do not need these; who cuts an event out of the segment does. */
const OFFSET_DAMAGES = {
  'its offset is altered': FLIP('offsets', 12 * 150 + 3),
  'its offset leads far away': FLIP('offsets', 12 * 150),
  'the offsets are cut': `update audit_segment
    set offsets = substring(offsets for 12 * 150) where ${SEGMENT}`,
} as const;

for (const [damage, statement] of Object.entries(OFFSET_DAMAGES)) {
  test(`an event is not given in another's place when ${damage}`, async () => {
    const { logId, ids } = await fill();
    await asOwner(statement, logId);
    await assert.rejects(reader.findEvent(ids[250] ?? ''), isInternal);
    await assert.rejects(reader.findEvent(ids[249] ?? ''), isInternal);
    assert.equal((await reader.findEvent(ids[248] ?? ''))?.index, 248);
  });
}

/** What the tree does not cover: framing is checked, and the seals by whoever opens them. */
const DISCLOSURE_DAMAGES = {
  'the length of a disclosure is altered': FLIP('who', 7),
  'the disclosures are cut': `update audit_segment
    set what = substring(what for octet_length(what) - 1) where ${SEGMENT}`,
} as const;

for (const [damage, statement] of Object.entries(DISCLOSURE_DAMAGES)) {
  test(`no event is given with another's disclosures when ${damage}`, async () => {
    const { logId } = await fill();
    await asOwner(statement, logId);
    await assert.rejects(readAll(reader, logId), isInternal);
    assert.ok(await reader.bundle(logId, { index: 0, width: 256 }));
  });
}

test('it is an error when the list of what was erased is torn', async () => {
  const { logId } = await fill();
  await asOwner(
    `insert into audit_erasure (event_id, log_id, label, indexes)
     values (decode(repeat('00', 16), 'hex'), $1, 'who', '\\x0000')`,
    logId,
  );
  await assert.rejects(reader.erasures(logId), isInternal);
});

let shards = 0;
/** A published shard of 600 events in three segments. */
async function fill(): Promise<{ logId: number; index: number; ids: readonly string[] }> {
  shards += 1;
  const log = await openFilledLog(deps, { shard: `2026-${shards}`, origin: `log.test/${shards}` });
  for (const count of [100, 300, 200]) {
    await log.append(Array.from({ length: count }, () => sampleEvent()));
  }
  const { logId, edge } = log;
  const values = [logId, edge.size(), edge.root()];
  await pool.query(`select audit_publish($1, $2, $3, 'note')`, values);
  return { logId, index: edge.size(), ids: log.ids };
}

/** Past the triggers, which only keep the owner from doing it by mistake. */
const asOwner = (statement: string, logId: number) =>
  withClient(database.ownerUrl, async (client) => {
    await client.query(`set session_replication_role = 'replica'`);
    const { rowCount } = await client.query(statement, [logId]);
    assert.equal(rowCount, 1);
  });
