import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { AuditReader } from '../../src/operations/ports/audit-reader.ts';
import { encodeBundle } from '../../src/tlog/bundle.ts';
import { tilesOf } from '../../src/tlog/tile.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { makeMemoryLog } from '../helpers/tlog.ts';
import { type ReaderUnderTest, readAll, type ShardUnderTest } from './audit-reader-under-test.ts';

const samples = (count: number) => Array.from({ length: count }, () => sampleEvent());

const ALL_WIDTHS = Array.from({ length: 256 }, (_, index) => index + 1);
const SOME_WIDTHS = [1, 2, 127, 128, 255, 256];

/** Published sizes, how many events lie beyond each, and the widths that are asked for. */
const SIZES = [
  { size: 1, ahead: 0, widths: SOME_WIDTHS },
  { size: 255, ahead: 1, widths: SOME_WIDTHS },
  { size: 256, ahead: 0, widths: SOME_WIDTHS },
  { size: 257, ahead: 343, widths: SOME_WIDTHS },
  { size: 600, ahead: 0, widths: ALL_WIDTHS },
];

/** Tiles and entry bundles of every reader of the log. */
export function describeTree(make: () => Promise<ReaderUnderTest>): void {
  let under: ReaderUnderTest;
  let shard: ShardUnderTest;
  before(async () => {
    under = await make();
    shard = await under.open('2026');
  });
  after(() => under.close());

  it('serves nothing of a tree that is not published, nor of one that does not exist', async () => {
    await shard.append(samples(1));
    for (const logId of [shard.logId, 99]) {
      const tile = { level: 0, index: 0, width: 1 };
      assert.equal(await under.reader.tile(logId, tile), undefined);
      assert.equal(await under.reader.bundle(logId, tile), undefined);
    }
  });

  for (const { size, ahead, widths } of SIZES) {
    it(`serves the tiles and bundles of a published tree of ${size}, and no more`, async () => {
      await grow(shard, size);
      await shard.publish();
      await grow(shard, size + ahead);
      const events = await readAll(under.reader, shard.logId, { from: 0, to: size });
      assert.equal(events.length, size);
      const leaves = events.map(({ leaf }) => leaf);
      await checkTiles(under.reader, { logId: shard.logId, leaves, widths });
      await checkBundles(under.reader, { logId: shard.logId, leaves, widths });
    });
  }
}

async function grow(shard: ShardUnderTest, size: number): Promise<void> {
  if (size > shard.ids.length) {
    await shard.append(samples(size - shard.ids.length));
  }
}

type Expected = { logId: number; leaves: readonly Buffer[]; widths: readonly number[] };

async function checkTiles(reader: AuditReader, { logId, leaves, widths }: Expected) {
  const { readTile } = makeMemoryLog(leaves);
  for (const { level, index, width } of tilesOf(leaves.length)) {
    for (const part of widths.filter((each) => each <= width)) {
      const tile = { level, index, width: part };
      assert.deepEqual(await reader.tile(logId, tile), readTile(tile));
    }
    assert.equal(await reader.tile(logId, { level, index, width: width + 1 }), undefined);
    assert.equal(await reader.tile(logId, { level: level + 1, index, width: 256 }), undefined);
  }
  const behind = Math.ceil(leaves.length / 256);
  assert.equal(await reader.tile(logId, { level: 0, index: behind, width: 1 }), undefined);
  assert.equal(await reader.tile(logId, { level: 63, index: 0, width: 1 }), undefined);
}

async function checkBundles(reader: AuditReader, { logId, leaves, widths }: Expected) {
  const behind = Math.ceil(leaves.length / 256);
  for (let index = 0; index < behind; index += 1) {
    const entries = leaves.slice(index * 256, (index + 1) * 256);
    for (const width of widths.filter((each) => each <= entries.length)) {
      const bundle = await reader.bundle(logId, { index, width });
      assert.deepEqual(bundle, encodeBundle(entries.slice(0, width)));
    }
    assert.equal(await reader.bundle(logId, { index, width: entries.length + 1 }), undefined);
  }
  assert.equal(await reader.bundle(logId, { index: behind, width: 1 }), undefined);
}
