import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type { AuditReader, StoredEvent } from '../../src/operations/ports/audit-reader.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { describeSearch } from './audit-reader-search.ts';
import { describeTree } from './audit-reader-tree.ts';
import { type ReaderUnderTest, readAll, type ShardUnderTest } from './audit-reader-under-test.ts';

/** What every reader of the log must do; see the comments of the port. */
export function runAuditReaderContract(name: string, make: () => Promise<ReaderUnderTest>): void {
  describe(`audit reader contract: ${name}`, () => {
    describeReading(make);
    describeTree(make);
    describeSearch(make);
  });
}

const idOf = ({ leaf }: StoredEvent) => readLeaf(leaf)?.id;
const samples = (count: number) => Array.from({ length: count }, () => sampleEvent());

function describeReading(make: () => Promise<ReaderUnderTest>): void {
  let under: ReaderUnderTest;
  let older: ShardUnderTest;
  let newer: ShardUnderTest;
  before(async () => {
    under = await make();
    older = await under.open('2025');
    await older.append(samples(3));
    newer = await under.open('2026');
    await newer.append(samples(1));
    await newer.append(samples(2_500));
    await newer.append(samples(2));
  });
  after(() => under.close());

  it('lists the shards, newest first, with their sizes', async () => {
    const shards = await under.reader.shards();
    assert.deepEqual(
      shards.map(({ origin: _, ...shard }) => shard),
      [
        { logId: newer.logId, shard: '2026', state: 'active', size: 2_503, minIndex: 0 },
        { logId: older.logId, shard: '2025', state: 'frozen', size: 3, minIndex: 0 },
      ],
    );
  });

  it('gives the newest published checkpoint, and none when none is', async () => {
    assert.equal(await under.reader.checkpoint(older.logId), undefined);
    await older.publish('one');
    const checkpoint = await under.reader.checkpoint(older.logId);
    assert.deepEqual([checkpoint?.size, checkpoint?.note], [3, 'one']);
    assert.ok(checkpoint?.publishedAt instanceof Date);
  });

  it('finds an event by its id in any shard, published or not', async () => {
    for (const [shard, index] of [
      [older, 1],
      [newer, 0],
      [newer, 2_000],
      [newer, 2_502],
    ] as const) {
      const event = await under.reader.findEvent(shard.ids[index] ?? '');
      assert.deepEqual([event?.logId, event?.index], [shard.logId, index]);
      assert.equal(event && idOf(event), shard.ids[index]);
    }
  });

  it('finds no event by an id that none has', () => findsNothing(under.reader, newer.ids[0]));

  it('reads any range in order, across segments, up to the size of the tree', () =>
    readsRanges(under.reader, newer));

  it('reads in blocks, and stops when its reader does', async () => {
    const sizes: number[] = [];
    for await (const block of under.reader.read(newer.logId, { from: 0, to: 2_503 })) {
      sizes.push(block.length);
      if (sizes.length === 2) break;
    }
    assert.ok(sizes.every((size) => size > 0 && size < 2_503));
    assert.equal((await readAll(under.reader, newer.logId)).length, 2_503);
  });

  it('has no erasures where nothing was erased', async () => {
    assert.deepEqual(await under.reader.erasures(newer.logId), []);
  });
}

async function findsNothing(reader: AuditReader, id = ''): Promise<void> {
  // The same first 64 bits, another id.
  const twin = `${id.slice(0, 12)}${id[12] === 'A' ? 'B' : 'A'}${id.slice(13)}`;
  for (const unknown of ['', 'A', 'A'.repeat(22), twin, `${id}A`, '*'.repeat(22)]) {
    assert.equal(await reader.findEvent(unknown), undefined);
  }
}

async function readsRanges(reader: AuditReader, { logId, ids }: ShardUnderTest): Promise<void> {
  for (const [from, to] of [
    [0, 1],
    [0, 2_503],
    [1, 2],
    [2_499, 2_502],
    [2_500, 9_999],
    [700, 700],
    [2_503, 2_600],
  ] as const) {
    const events = await readAll(reader, logId, { from, to });
    assert.deepEqual(events.map(idOf), ids.slice(from, to));
    assert.ok(events.every(({ index }, nth) => index === from + nth));
  }
  assert.deepEqual(await readAll(reader, 99), []);
}
