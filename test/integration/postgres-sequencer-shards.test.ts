import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ensureShard } from '../../src/adapters/postgres/audit/sequencer/ensure-shard.ts';
import {
  announceKeys,
  findActiveShard,
  type OpenShardInput,
  openShard,
} from '../../src/adapters/postgres/audit/shards.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { emptyRoot } from '../../src/tlog/hash.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { numbersOf } from '../helpers/pending-log.ts';
import { BASE_ORIGIN, openTestSequencer, type TestSequencer } from '../helpers/test-sequencer.ts';

let log: TestSequencer;
beforeEach(async () => {
  log = await openTestSequencer();
});
afterEach(() => log.close());

const THIS_YEAR = new Date().getUTCFullYear();
const vkeysOf = async (origin: string) => [`${origin}+key`];

const open = async (more: Partial<OpenShardInput>) => {
  const active = await findActiveShard(log.pool);
  const input = { baseOrigin: BASE_ORIGIN, year: THIS_YEAR, replaces: active?.logId, vkeysOf };
  return openShard(
    { pool: log.pool },
    { ...input, atMs: Date.now(), random: randomBytes, ...more },
  );
};

/** As an instance does whose clock says that year. */
const ensure = (year: number) =>
  ensureShard({
    pool: log.pool,
    clock: { now: () => Date.UTC(year, 0, 1) },
    random: randomBytes,
    baseOrigin: BASE_ORIGIN,
    vkeysOf,
  });

/** As it is in a database of a time before the log. */
async function forgetLog(): Promise<void> {
  for (const table of ['audit_term', 'audit_segment', 'audit_log']) {
    await log.tamper(`delete from ${table}`);
  }
}

/** Head of a shard as a `log.open` leaf cites it. */
async function headOf(shard: string) {
  const stored = (await log.shards()).find((one) => one.shard === shard);
  const { rows } = await log.pool.query('select root from audit_log where shard = $1', [shard]);
  return {
    origin: `${BASE_ORIGIN}/${shard}`,
    size: stored?.size,
    root: rows[0].root.toString('base64'),
  };
}

test('the first shard begins with its origin and its keys', async () => {
  const [first] = await log.shards();
  const origin = `${BASE_ORIGIN}/${THIS_YEAR}`;
  assert.equal(first?.shard, String(THIS_YEAR));
  assert.deepEqual(
    first?.leaves.map(({ op, attr }) => ({ op, attr })),
    [{ op: 'log.open', attr: { origin, vkeys: [`${origin}+key`], writers: {} } }],
  );
});

test('a new year ends a shard with a leaf, and begins one that cites it and where writers stand', async () => {
  const [stays, ends] = [log.writer(), log.writer()];
  await stays.write([sampleEvent(), sampleEvent()]);
  await ends.write([sampleEvent({ operation: 'audit.writer.stop' })]);
  await log.settle();
  const next = await ensure(THIS_YEAR + 1);
  assert.equal(next?.shard, String(THIS_YEAR + 1));
  await stays.write([sampleEvent()]);
  await log.settle();
  const [old, young] = await log.shards();
  assert.deepEqual([old?.state, young?.state], ['frozen', 'active']);
  const last = old?.leaves.at(-1);
  assert.deepEqual([last?.op, last?.attr], ['log.freeze', { size: old?.size }]);
  assert.deepEqual(young?.leaves[0]?.attr, {
    origin: next?.origin,
    vkeys: [`${next?.origin}+key`],
    previous: await headOf(String(THIS_YEAR)),
    writers: { [stays.bootId]: 2 },
  });
  // Writers go on in the next shard with their numbers.
  assert.deepEqual(numbersOf(young?.leaves ?? [], stays.bootId), [2]);
});

test('a clock that is behind leaves the shard of the coming year alone', async () => {
  await ensure(THIS_YEAR + 1);
  const again = await ensure(THIS_YEAR);
  assert.equal(again?.shard, String(THIS_YEAR + 1));
  assert.equal((await log.shards()).length, 2);
});

test('of many instances that open the shard of a year, one does', async () => {
  await log.writer().write([sampleEvent()]);
  await log.settle();
  const replaces = (await findActiveShard(log.pool))?.logId;
  const opened = await Promise.all(
    Array.from({ length: 8 }, () => open({ year: THIS_YEAR + 1, replaces })),
  );
  assert.equal(opened.filter((shard) => shard !== undefined).length, 1);
  const names = (await log.shards()).map(({ shard, size }) => [shard, size]);
  assert.deepEqual(names, [
    [String(THIS_YEAR), 3],
    [String(THIS_YEAR + 1), 1],
  ]);
});

test('of many instances that open the first shard of a log, one does', async () => {
  await forgetLog();
  const opened = await Promise.all(Array.from({ length: 8 }, () => open({ replaces: undefined })));
  assert.equal(opened.filter((shard) => shard !== undefined).length, 1);
  assert.equal((await log.shards()).length, 1);
});

test('an instance that saw another shard active than there is opens none', async () => {
  assert.equal(await open({ replaces: 7 }), undefined);
  assert.equal(await open({ replaces: undefined }), undefined);
  assert.equal((await log.shards()).length, 1);
});

test('after a roll-back the new shard cites what was signed, and adds nothing to the old one', async () => {
  await log.writer().write([sampleEvent()]);
  await log.settle();
  const signed = { origin: `${BASE_ORIGIN}/${THIS_YEAR}`, size: 500, root: randomBytes(32) };
  const held = await headOf(String(THIS_YEAR));
  const opened = await open({ rolledBackTo: signed });
  const [old, young] = await log.shards();
  assert.deepEqual([old?.state, old?.size], ['frozen', 2]);
  assert.equal(opened?.shard, `${THIS_YEAR}-2`);
  const { previous, rollback } = young?.leaves[0]?.attr ?? {};
  assert.deepEqual(previous, { ...signed, root: signed.root.toString('base64') });
  assert.deepEqual(rollback, held);
});

test('never uses the name of a shard again that was signed, also when the database lost it', async () => {
  const lost = { origin: `${BASE_ORIGIN}/${THIS_YEAR}-4`, size: 9, root: randomBytes(32) };
  assert.equal((await open({ rolledBackTo: lost }))?.shard, `${THIS_YEAR}-5`);
  const later = { origin: `${BASE_ORIGIN}/${THIS_YEAR + 1}`, size: 9, root: randomBytes(32) };
  assert.equal((await open({ rolledBackTo: later }))?.shard, `${THIS_YEAR + 1}-2`);
});

test('opens a shard after a roll-back to a time before the log', async () => {
  await forgetLog();
  const signed = { origin: `${BASE_ORIGIN}/${THIS_YEAR}`, size: 5, root: randomBytes(32) };
  const opened = await open({ replaces: undefined, rolledBackTo: signed });
  assert.equal(opened?.shard, `${THIS_YEAR}-2`);
  const [only] = await log.shards();
  assert.deepEqual(only?.leaves[0]?.attr?.['rollback'], {
    size: 0,
    root: emptyRoot().toString('base64'),
  });
});

test('freezes nothing upon a head that was altered', async () => {
  await log.tamper(`update audit_log set root = sha256('')`);
  await assert.rejects(open({ year: THIS_YEAR + 1 }), { code: 'internal' });
  assert.equal((await findActiveShard(log.pool))?.shard, String(THIS_YEAR));
});

test('names a new key once, and those of the first leaf never again', async () => {
  const active = await findActiveShard(log.pool);
  const known = `${BASE_ORIGIN}/${THIS_YEAR}+key`;
  const announce = (vkeys: string[], logId = active?.logId ?? 0) =>
    announceKeys({ pool: log.pool }, { logId, vkeys, atMs: Date.now(), random: randomBytes });
  assert.equal(await announce([known]), true);
  assert.equal(await announce([known, 'new']), true);
  assert.equal(await announce([known, 'new']), true);
  assert.equal(await announce(['other'], 99), false);
  const [shard] = await log.shards();
  const said = shard?.leaves.slice(1).map(({ op, attr }) => [op, attr]);
  assert.deepEqual(said, [['log.key', { vkey: 'new' }]]);
});
