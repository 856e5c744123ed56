import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { appendSegment, type SequencedEvent } from '../../src/adapters/postgres/audit/segment.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { inTransaction } from '../../src/adapters/postgres/session.ts';
import { isErased } from '../../src/crypto/open-disclosure.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type {
  AuditReader,
  EventPage,
  LogPosition,
  StoredEvent,
} from '../../src/operations/ports/audit-reader.ts';
import { encodeBundle } from '../../src/tlog/bundle.ts';
import { tilesOf } from '../../src/tlog/tile.ts';
import { readAll } from '../contract/audit-reader-under-test.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { type FilledLog, openFilledLog, sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';
import { makeMemoryLog } from '../helpers/tlog.ts';

let database: TestDatabase;
let pool: Pool;
let reader: AuditReader;
let deps: Parameters<typeof openFilledLog>[0];
before(async () => {
  database = await createTestDatabase();
  // One connection: a test hangs, and fails, when the reader keeps it.
  pool = makePool({ connectionString: database.serviceUrl, max: 1, name: 'test' });
  reader = makeAuditReader({ pool });
  deps = { pool, keysets: await openKeysets(pool) };
});
after(async () => {
  await pool.end();
  await database.drop();
});

let shards = 0;
async function openShard(): Promise<FilledLog> {
  shards += 1;
  return openFilledLog(deps, { shard: `2026-${shards}`, origin: `log.test/${shards}` });
}

const publish = ({ logId, edge }: FilledLog) =>
  pool.query(`select audit_publish($1, $2, $3, 'note')`, [logId, edge.size(), edge.root()]);

/** Changes what the owner's own functions could change. */
const asOwner = (text: string, values: unknown[]) =>
  withClient(database.ownerUrl, async (client) => {
    await client.query(`set counterfoil.audit_change = 'UPDATE'`);
    const { rowCount } = await client.query(text, values);
    assert.ok(rowCount !== null && rowCount > 0);
  });

const samples = (count: number) => Array.from({ length: count }, () => sampleEvent());
const search = { termGroups: [], facetGroups: [], limit: 1_000 };

/** An event without disclosures and terms. */
function bareEvent(atMs: number): SequencedEvent {
  const id = randomBytes(16).toString('base64url');
  const bytes = Buffer.from(
    `{"_sd":[],"id":"${id}","n":0,"op":"lookup","out":"allow","rc":200,"t":${atMs},"v":1}`,
  );
  const leaf = readLeaf(bytes);
  assert.ok(leaf);
  const nothing = { vaultId: 0, sealed: Buffer.alloc(0) };
  return { bytes, leaf, who: nothing, what: nothing, terms: [] };
}

async function appendBare({ logId, edge }: FilledLog, times: readonly number[]): Promise<Buffer[]> {
  const events = times.map(bareEvent);
  for (let at = 0; at < events.length; at += 4_000) {
    const segment = { logId, edge, events: events.slice(at, at + 4_000), writers: [] };
    await inTransaction(pool, (session) => appendSegment(session, segment));
  }
  return events.map(({ bytes }) => bytes);
}

test('the tiles of 70,000 entries are those of their tree, three levels high', async () => {
  const log = await openShard();
  const leaves = await appendBare(log, Array(70_000).fill(1_770_000_000_000));
  await publish(log);
  const { readTile, root } = makeMemoryLog(leaves);
  assert.deepEqual(log.edge.root(), root());
  const tiles = [...tilesOf(70_000)];
  assert.equal(tiles.length, 274 + 2 + 1);
  for (const tile of tiles) {
    assert.deepEqual(await reader.tile(log.logId, tile), readTile(tile));
  }
  for (const [index, width] of [
    [0, 256],
    [15, 256],
    [273, 112],
  ] as const) {
    const entries = leaves.slice(index * 256, index * 256 + width);
    assert.deepEqual(await reader.bundle(log.logId, { index, width }), encodeBundle(entries));
  }
});

test('what is pruned is not there, and all that is left stays readable', async () => {
  const log = await openShard();
  await log.append(samples(200));
  await log.append(samples(400));
  await publish(log);
  const { logId, ids } = log;
  const tile = { level: 0, index: 0, width: 256 };
  const hashes = await reader.tile(logId, tile);
  await asOwner('update audit_log set min_index = 300 where log_id = $1', [logId]);
  assert.deepEqual(
    (await readAll(reader, logId)).map(({ index }) => index),
    Array.from({ length: 300 }, (_, nth) => 300 + nth),
  );
  assert.equal(await reader.findEvent(ids[299] ?? ''), undefined);
  assert.equal((await reader.findEvent(ids[300] ?? ''))?.index, 300);
  const before = { logId, index: 302 };
  const { events } = await reader.search({ ...search, before });
  assert.deepEqual(
    events.filter((event) => event.logId === logId).map(({ index }) => index),
    [301, 300],
  );
  assert.equal(await reader.bundle(logId, { index: 0, width: 256 }), undefined);
  assert.ok(await reader.bundle(logId, { index: 1, width: 256 }));
  assert.deepEqual(await reader.tile(logId, tile), hashes);
});

test('an erased disclosure comes back as zeroes, with its event and the list of what was erased', async () => {
  const log = await openShard();
  await log.append(samples(3));
  const { logId, ids } = log;
  const event = await reader.findEvent(ids[1] ?? '');
  assert.ok(event && !isErased(event.who));
  const zeroes = Buffer.alloc(event.who.sealed.length);
  const before = (await readAll(reader, logId)).map(({ who }) => 8 + who.sealed.length);
  await asOwner(
    `update audit_segment set who = overlay(who placing $2::bytea from $3)
     where log_id = $1 and first_index = 0`,
    [logId, zeroes, (before[0] ?? 0) + 8 + 1],
  );
  const erased = await readAll(reader, logId);
  assert.deepEqual(
    erased.map(({ who }) => isErased(who)),
    [false, true, false],
  );
  assert.ok(erased.every(({ what }) => !isErased(what)));
  assert.deepEqual(erased[1]?.leaf, event.leaf);

  const indexes = Buffer.alloc(16);
  indexes.writeBigUInt64BE(1n);
  indexes.writeBigUInt64BE(2n ** 40n, 8);
  await asOwner(
    `insert into audit_erasure (event_id, log_id, label, indexes) values ($1, $2, 'who', $3)`,
    [Buffer.from(ids[2] ?? '', 'base64url'), logId, indexes],
  );
  assert.deepEqual(await reader.erasures(logId), [
    { eventId: ids[2], logId, label: 'who', indexes: [1, 2 ** 40] },
  ]);
});

test('a search that its times rule out says where to go on, and comes to an end', async () => {
  const log = await openShard();
  const hourMs = 3_600_000;
  const startMs = Date.UTC(2031, 0, 1);
  // Two events in the middle; all others at the ends of each segment's time.
  const times = Array.from({ length: 12_000 }, (_, nth) => startMs + (nth % 2) * hourMs);
  times.splice(5, 1, startMs + hourMs / 2);
  times.splice(11_990, 1, startMs + hourMs / 2);
  await appendBare(log, times);
  const query = { ...search, fromMs: startMs + 1, toMs: startMs + hourMs };
  const pages = [await reader.search(query)];
  for (let page = pages.at(-1); page?.next !== undefined; page = pages.at(-1)) {
    pages.push(await reader.search({ ...query, before: page.next }));
  }
  assert.ok(pages.length > 1);
  assert.deepEqual(
    pages.flatMap(({ events }) => events.map(({ index }) => index)),
    [11_990, 5],
  );
});

test('a page ends at so many bytes as well, and the next one goes on with the very next event', async () => {
  const log = await openShard();
  const { logId, edge } = log;
  const large = { vaultId: 0, sealed: Buffer.alloc(64 * 1024, 1) };
  for (let done = 0; done < 300; done += 100) {
    const events = Array.from({ length: 100 }, () => ({
      ...bareEvent(1_770_000_000_000),
      what: large,
    }));
    await inTransaction(pool, (session) =>
      appendSegment(session, { logId, edge, events, writers: [] }),
    );
  }
  const found: number[] = [];
  let [before, pages]: [LogPosition | undefined, number] = [{ logId, index: 300 }, 0];
  while (before?.logId === logId) {
    const page: EventPage = await reader.search({ ...search, before });
    const here: StoredEvent[] = page.events.filter((event) => event.logId === logId);
    assert.ok(here.length < 300);
    found.push(...here.map(({ index }) => index));
    before = page.next;
    pages += 1;
  }
  assert.deepEqual(
    found,
    Array.from({ length: 300 }, (_, nth) => 299 - nth),
  );
  assert.ok(pages > 1);
});
