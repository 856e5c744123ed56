import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withClient } from '../helpers/database.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { numbersOf, saidOf, storeBatch } from '../helpers/pending-log.ts';
import {
  HOLE_MS,
  openTestSequencer,
  SILENT_MS,
  type TestSequencer,
} from '../helpers/test-sequencer.ts';

let log: TestSequencer;
before(async () => {
  log = await openTestSequencer();
});
after(() => log.close());

const events = (count: number) => Array.from({ length: count }, () => sampleEvent());
const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);
const leaves = async () => (await log.shards()).flatMap((shard) => shard.leaves);
const bootBytes = (bootId: string) => Buffer.from(bootId, 'base64url');

test('puts every event of several writers into the tree once, each writer in its own order', async () => {
  const writers = [log.writer(), log.writer(), log.writer()];
  for (let round = 0; round < 5; round += 1) {
    for (const writer of writers) await writer.write(events(100 + round));
  }
  const reports = await log.settle();
  assert.equal(
    reports.reduce((sum, report) => sum + report.events, 0),
    3 * 510,
  );
  const all = await leaves();
  for (const { bootId } of writers) {
    // In the order of the tree, not sorted.
    const own = all.flatMap(({ w }) => (w?.[0] === bootId ? [w[1]] : []));
    assert.deepEqual(own, upTo(510));
  }
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
});

test('takes at most a segment at once, those first that wait longest', async () => {
  const [early, late] = [log.writer(), log.writer()];
  for (let round = 0; round < 9; round += 1) await early.write(events(500));
  await late.write(events(500));
  const [first, second] = await log.settle();
  assert.deepEqual([first?.isFull, first?.events], [true, 8 * 500]);
  assert.equal(second?.events, 2 * 500);
  assert.equal(first?.pending.events, 10 * 500);
  const order = (await leaves()).map(({ w }) => w?.[0]);
  assert.ok(order.lastIndexOf(early.bootId) < order.indexOf(late.bootId));
});

test('waits 30 s for a batch that vanished: brought again in time, nothing is lost or said', async () => {
  const writer = log.writer();
  await writer.write(events(3));
  const lost = await writer.pack(events(3));
  await writer.write(events(3));
  const [report] = await log.settle();
  assert.equal(report?.events, 3);
  log.advance(HOLE_MS / 2);
  await log.settle();
  await storeBatch(log.pool, lost);
  await log.settle();
  const all = await leaves();
  assert.deepEqual(numbersOf(all, writer.bootId), upTo(9));
  assert.deepEqual(saidOf(all, writer.bootId), []);
});

test('says after 30 s which numbers are missing, and goes on behind them', async () => {
  const writer = log.writer();
  await writer.write(events(3));
  await writer.pack(events(4));
  await writer.write(events(3));
  await log.settle();
  log.advance(HOLE_MS - 5_000);
  assert.deepEqual(
    (await log.settle()).flatMap(({ gaps }) => gaps),
    [],
  );
  log.advance(5_000);
  const gap = { from: 3, to: 6, why: 'missing' };
  assert.deepEqual(
    (await log.settle()).flatMap(({ gaps }) => gaps),
    [{ ...gap, bootId: writer.bootId }],
  );
  const all = await leaves();
  assert.deepEqual(numbersOf(all, writer.bootId), [0, 1, 2, 7, 8, 9]);
  assert.deepEqual(saidOf(all, writer.bootId), [{ op: 'audit.gap', ...gap }]);
});

test('counts a writer that was never seen from 0: its first batches are missing, too', async () => {
  const writer = log.writer();
  await writer.pack(events(2));
  await writer.write(events(2));
  await log.settle();
  log.advance(HOLE_MS);
  await log.settle();
  const all = await leaves();
  assert.deepEqual(numbersOf(all, writer.bootId), [2, 3]);
  assert.deepEqual(saidOf(all, writer.bootId), [
    { op: 'audit.gap', from: 0, to: 1, why: 'missing' },
  ]);
});

test('waits anew after a while in which nobody looked', async () => {
  const writer = log.writer();
  await writer.pack(events(1));
  await writer.write(events(1));
  const cycle = log.makeCycle();
  await log.settle(cycle);
  cycle.forget();
  log.advance(HOLE_MS);
  await log.settle(cycle);
  assert.deepEqual(saidOf(await leaves(), writer.bootId), []);
  log.advance(HOLE_MS);
  await log.settle(cycle);
  assert.equal(saidOf(await leaves(), writer.bootId).length, 1);
});

const stateOf = (bootId: string) =>
  withClient(log.ownerUrl, async (client) => {
    const { rows } = await client.query(
      'select next_seq::int as next, closed from audit_writer where boot_id = $1',
      [bootBytes(bootId)],
    );
    return rows[0];
  });

test('closes a writer that says it stops, and says nothing of it', async () => {
  const writer = log.writer();
  await writer.write([sampleEvent(), sampleEvent({ operation: 'audit.writer.stop' })]);
  await log.settle();
  assert.deepEqual(await stateOf(writer.bootId), { next: 2, closed: true });
  assert.deepEqual(saidOf(await leaves(), writer.bootId), []);
});

test('closes a writer of which nothing came for three heartbeats, once, and opens it again', async () => {
  const writer = log.writer();
  await writer.write(events(2));
  await log.settle();
  const silence = SILENT_MS + 1_000;
  await log.tamper(
    `update audit_writer set last_seen = clock_timestamp() - $2 * interval '1 ms' where boot_id = $1`,
    [bootBytes(writer.bootId), silence],
  );
  // This process has to have seen it silent, too.
  await log.settle();
  assert.deepEqual(await stateOf(writer.bootId), { next: 2, closed: false });
  log.advance(SILENT_MS / 3);
  const closed = (await log.settle()).flatMap((report) => report.closed);
  assert.deepEqual(closed, [{ bootId: writer.bootId, nextSeq: 2 }]);
  log.advance(SILENT_MS);
  await log.settle();
  assert.deepEqual(await stateOf(writer.bootId), { next: 2, closed: true });
  const said = [{ op: 'audit.writer.closed', next: 2 }];
  assert.deepEqual(saidOf(await leaves(), writer.bootId), said);
  await writer.write(events(2));
  await log.settle();
  assert.deepEqual(await stateOf(writer.bootId), { next: 4, closed: false });
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), upTo(4));
});

test('does not close a writer whose batches wait behind a hole', async () => {
  const writer = log.writer();
  await writer.write(events(1));
  await log.settle();
  await writer.pack(events(1));
  await writer.write(events(1));
  await log.tamper(`update audit_writer set last_seen = '2020-01-01' where boot_id = $1`, [
    bootBytes(writer.bootId),
  ]);
  const cycle = log.makeCycle();
  await log.settle(cycle);
  log.advance(SILENT_MS / 3);
  await log.settle(cycle);
  const said = saidOf(await leaves(), writer.bootId);
  assert.deepEqual(said, [{ op: 'audit.gap', from: 1, to: 1, why: 'missing' }]);
});

test('integrates events whose clock went back, and tells of it', async () => {
  const writer = log.writer();
  const nowMs = Date.now();
  await writer.write(events(2), nowMs);
  await writer.write(events(2), nowMs - 5_000);
  const clockBack = (await log.settle()).flatMap((report) => report.clockBack);
  assert.deepEqual(clockBack, [{ bootId: writer.bootId, backMs: 5_000 }]);
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), upTo(4));
});

test('finds a batch of a day that nobody writes on any more', async () => {
  const writer = log.writer();
  const dayMs = 86_400_000;
  await writer.write(events(1), Date.now() + 5 * dayMs);
  await writer.write(events(1), Date.now());
  await log.settle();
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), [0, 1]);
});
