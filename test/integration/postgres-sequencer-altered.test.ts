import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { batchMac, bootMacKey } from '../../src/crypto/batch-mac.ts';
import { randomBytes } from '../../src/crypto/random.ts';
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
const leaves = async () => (await log.shards()).flatMap((shard) => shard.leaves);
const bootBytes = (bootId: string) => Buffer.from(bootId, 'base64url');
const gapsOf = (reports: Awaited<ReturnType<TestSequencer['settle']>>) =>
  reports.flatMap(({ gaps }) => gaps);

/** Three batches of three events; the row of the second one is about to be changed. */
async function writeThree() {
  const writer = log.writer();
  await writer.write(events(3));
  const middle = await writer.write(events(3));
  await writer.write(events(3));
  return { writer, middle };
}

const flip = (column: string) =>
  `${column} = set_byte(${column}, length(${column}) / 2, get_byte(${column}, length(${column}) / 2) # 1)`;

/** What is done to the row with the numbers 3 to 5, and what the log has to say. */
const CHANGES: Record<string, { set: string; gaps: { from: number; to: number; why: string }[] }> =
  {
    'a leaf': { set: flip('leaves'), gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'a caller': { set: flip('sealed_who'), gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'a token list': { set: flip('sealed_what'), gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'a term': { set: flip('terms'), gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'the MAC': { set: flip('mac'), gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'the log': { set: 'log_id = 2', gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'that there are terms': { set: 'terms = null', gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'the day': { set: 'day = day + 1', gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'the count, to more': { set: 'n = 400', gaps: [{ from: 3, to: 5, why: 'altered' }] },
    'the count, to less': {
      set: 'n = 2',
      gaps: [
        { from: 3, to: 4, why: 'altered' },
        { from: 5, to: 5, why: 'missing' },
      ],
    },
    'the number, to more': {
      set: 'first_seq = 4',
      gaps: [
        { from: 3, to: 3, why: 'missing' },
        { from: 4, to: 5, why: 'altered' },
      ],
    },
    'the number, to less': { set: 'first_seq = 2', gaps: [{ from: 3, to: 5, why: 'missing' }] },
    'the writer': {
      set: `boot_id = '\\x000102030405060708090a0b0c0d0e0f'`,
      gaps: [{ from: 3, to: 5, why: 'missing' }],
    },
  };

for (const [what, { set, gaps }] of Object.entries(CHANGES)) {
  test(`never integrates a batch after a change of ${what}: says so, and goes on behind it`, async () => {
    const { writer } = await writeThree();
    await log.tamper(`update audit_pending set ${set} where boot_id = $1 and first_seq = 3`, [
      bootBytes(writer.bootId),
    ]);
    const reports = await log.settle();
    log.advance(HOLE_MS);
    reports.push(...(await log.settle()));
    log.advance(HOLE_MS);
    reports.push(...(await log.settle()));
    const all = await leaves();
    assert.deepEqual(numbersOf(all, writer.bootId), [0, 1, 2, 6, 7, 8]);
    const said = gaps.map((gap) => ({ op: 'audit.gap', ...gap }));
    assert.deepEqual(saidOf(all, writer.bootId), said);
    // Told of once, by the batch or by the hole that it left.
    const batches = reports.flatMap(({ altered }) => altered);
    assert.ok(batches.length === 1 || gaps[0]?.why === 'missing', 'no alarm');
    assert.deepEqual(
      gapsOf(reports),
      gaps.map((gap) => ({ ...gap, bootId: writer.bootId })),
    );
  });
}

test('an altered batch holds up nobody else, and is not read again in each turn', async () => {
  const [bad, good] = [log.writer(), log.writer()];
  await bad.write(events(2));
  await log.tamper(`update audit_pending set ${flip('leaves')} where boot_id = $1`, [
    bootBytes(bad.bootId),
  ]);
  await good.write(events(2));
  const reports = await log.settle();
  assert.deepEqual(numbersOf(await leaves(), good.bootId), [0, 1]);
  await good.write(events(2));
  reports.push(...(await log.settle()));
  assert.equal(reports.flatMap(({ altered }) => altered).length, 1);
  assert.deepEqual(numbersOf(await leaves(), good.bootId), [0, 1, 2, 3]);
  // Nobody waits for it: what is pending does not count it.
  assert.deepEqual(reports.at(-1)?.pending, { events: 0, seconds: 0 });
});

test('a last batch that was altered is not measured by its own word while its writer may live', async () => {
  const writer = log.writer();
  await writer.write(events(2));
  const lost = await writer.write(events(2));
  await log.tamper('update audit_pending set n = 500 where boot_id = $1 and first_seq = 2', [
    bootBytes(writer.bootId),
  ]);
  await log.settle();
  log.advance(HOLE_MS);
  await log.settle();
  assert.deepEqual(saidOf(await leaves(), writer.bootId), []);
  await writer.write(events(2));
  await log.settle();
  const all = await leaves();
  assert.deepEqual(numbersOf(all, writer.bootId), [0, 1, 4, 5]);
  assert.deepEqual(saidOf(all, writer.bootId), [
    { op: 'audit.gap', from: 2, to: 1 + lost.count, why: 'altered' },
  ]);
});

test('when its writer never comes back, what an altered batch claims is said to be lost', async () => {
  const writer = log.writer();
  await writer.write(events(4));
  await log.tamper(`update audit_pending set ${flip('mac')} where boot_id = $1`, [
    bootBytes(writer.bootId),
  ]);
  const cycle = log.makeCycle();
  await log.settle(cycle);
  log.advance(SILENT_MS);
  await log.settle(cycle);
  assert.deepEqual(saidOf(await leaves(), writer.bootId), [
    { op: 'audit.gap', from: 0, to: 3, why: 'altered' },
  ]);
});

test('forged rows far ahead never make the numbers of a living writer pass for lost', async () => {
  const writer = log.writer();
  const first = await writer.write(events(2));
  await storeBatch(log.pool, { ...first, firstSeq: 1_000_000n });
  const cycle = log.makeCycle();
  for (let round = 0; round < 3; round += 1) {
    await log.settle(cycle);
    log.advance(SILENT_MS - 60_000);
    await writer.write(events(1));
  }
  await log.settle(cycle);
  const all = await leaves();
  assert.deepEqual(numbersOf(all, writer.bootId), [0, 1, 2, 3, 4]);
  assert.deepEqual(saidOf(all, writer.bootId), []);
});

test('a forged row in front of the genuine one, or across it, does not keep it out', async () => {
  const writer = log.writer();
  const batch = await writer.pack(events(3));
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  await storeBatch(log.pool, { ...batch, day: yesterday });
  await storeBatch(log.pool, { ...batch, firstSeq: 1n });
  await storeBatch(log.pool, batch);
  await writer.write(events(1));
  const reports = await log.settle();
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), [0, 1, 2, 3]);
  assert.equal(reports.flatMap(({ altered }) => altered).length, 2);
});

test('a batch that is put right is integrated', async () => {
  const { writer, middle } = await writeThree();
  const where = 'boot_id = $1 and first_seq = 3';
  const boot = bootBytes(writer.bootId);
  // Without an intact batch behind it, nothing is said yet.
  await log.tamper('delete from audit_pending where boot_id = $1 and first_seq = 6', [boot]);
  await log.tamper(`update audit_pending set ${flip('leaves')} where ${where}`, [boot]);
  await log.settle();
  await log.tamper(`delete from audit_pending where ${where}`, [boot]);
  await storeBatch(log.pool, middle);
  await log.settle();
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), [0, 1, 2, 3, 4, 5]);
});

test('a batch under a genuine MAC whose contents are not its own is not integrated', async () => {
  const other = await log.writer().pack(events(2));
  const wrongs = [{ leaves: other.leaves }, { who: Buffer.alloc(7) }, { terms: randomBytes(5) }];
  for (const wrong of wrongs) {
    const writer = log.writer();
    const batch = { ...(await writer.pack(events(2))), ...wrong };
    const key = bootMacKey(await log.keysets.auditMac(), writer.bootId);
    await storeBatch(log.pool, { ...batch, mac: batchMac(key, batch) });
    await writer.write(events(1));
    await log.settle();
    const all = await leaves();
    assert.deepEqual(numbersOf(all, writer.bootId), [2]);
    const said = [{ op: 'audit.gap', from: 0, to: 1, why: 'altered' }];
    assert.deepEqual(saidOf(all, writer.bootId), said);
  }
});

test('builds nothing upon a head that was altered, and says so in each turn', async () => {
  const writer = log.writer();
  await writer.write(events(3));
  await log.settle();
  const heads = ['edge', 'root'] as const;
  for (const column of heads) {
    await log.tamper(`update audit_log set ${flip(column)} where state = 'active'`);
    await writer.write(events(1));
    const [report] = await log.settle();
    assert.deepEqual([report?.outcome, report?.events], ['altered_head', 0]);
    await log.tamper(`update audit_log set ${flip(column)} where state = 'active'`);
  }
  await log.tamper(`update audit_log set size = size + 1 where state = 'active'`);
  const [report] = await log.settle();
  assert.equal(report?.outcome, 'altered_head');
  await log.tamper(`update audit_log set size = size - 1 where state = 'active'`);
  await log.settle();
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), [0, 1, 2, 3, 4]);
});

test('leaves the work to the one that has the lock', async () => {
  const writer = log.writer();
  await writer.write(events(1));
  await withClient(log.serviceUrl, async (client) => {
    await client.query('begin');
    await client.query('select audit_lock()');
    const [report] = await log.settle();
    assert.equal(report?.outcome, 'busy');
    assert.deepEqual(numbersOf(await leaves(), writer.bootId), []);
    await client.query('rollback');
  });
  await log.settle();
  assert.deepEqual(numbersOf(await leaves(), writer.bootId), [0]);
});
