import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { findActiveShard } from '../../src/adapters/postgres/audit/shards.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import {
  BASE_ORIGIN,
  type Instance,
  type LogUnderTest,
  ORIGIN,
  openLogUnderTest,
  startInstance,
} from '../helpers/publisher.ts';

let it: LogUnderTest;
let instance: Instance;
beforeEach(async () => {
  it = await openLogUnderTest();
  instance = await startInstance(it);
});
afterEach(() => it.close());

/** Takes the next turn of every shard. */
async function publishNext(by = instance): Promise<void> {
  await it.nextTurn();
  await by.round();
}

const sizesOf = async (shard: string) =>
  (await it.published()).filter((each) => each.shard === shard).map(({ size }) => size);

/** The database as it is now, and what brings it back to that. */
async function backUp(): Promise<() => Promise<void>> {
  const [row] = await it.rows<{ size: string; root: Buffer; edge: Buffer }>(
    'select size, root, edge from audit_log',
  );
  assert(row !== undefined);
  const { size, root, edge } = row;
  return async () => {
    await it.tamper('update audit_log set size = $1, root = $2, edge = $3', [size, root, edge]);
    await it.tamper('delete from audit_segment where first_index >= $1', [size]);
    await it.tamper('delete from audit_tile where 256 * (n + 1) > $1', [size]);
    await it.tamper('delete from audit_checkpoint where size > $1', [size]);
  };
}

async function firstLeafOf(logId: number) {
  const [row] = await it.rows<{ n: number; leaves: Buffer }>(
    `select n, leaves from audit_segment where first_index = 0 and log_id = ${logId}`,
  );
  const [bytes] = row === undefined ? [] : decodeLeaves(row.leaves, row.n);
  return bytes && readLeaf(bytes);
}

test('a database that went backwards is frozen, and the next shard cites what was signed', async () => {
  await publishNext();
  const restore = await backUp();
  await it.grow(300);
  await publishNext();
  const signed = (await it.published()).at(-1);
  await restore();

  await publishNext();
  const active = await findActiveShard(it.pool);
  assert.deepEqual(active, { logId: 2, shard: '2026-2', origin: `${BASE_ORIGIN}/2026-2` });
  assert.deepEqual((await firstLeafOf(2))?.attr?.['previous'], {
    origin: ORIGIN,
    size: 301,
    root: signed?.root.toString('base64'),
  });
  assert.deepEqual(instance.lines, ['error audit_log_went_backwards', 'warn audit_shard_replaced']);
  assert.equal(instance.measured.frozen, 1);

  await publishNext();
  assert.deepEqual(await sizesOf('2026-2'), [1]);
  assert.equal(instance.measured.frozen, 1);
});

test('of a log that went backwards nothing is signed again, neither the old sizes nor new ones', async () => {
  await publishNext();
  const restore = await backUp();
  await it.grow(5);
  await publishNext();
  await restore();
  await publishNext();
  await publishNext();
  // Nor by an instance that remembers nothing.
  const forgetful = await startInstance(it);
  await publishNext(forgetful);
  assert.deepEqual(await sizesOf('2026'), [1]);
  assert.equal(forgetful.measured.frozen, 1);
  assert.equal((await instance.deps.heads.read(ORIGIN))?.size, 6);
});

test('a database that went backwards and grew again with other leaves is frozen', async () => {
  await publishNext();
  await it.grow(5);
  await publishNext();
  // The same number of leaves and more, but not the same ones.
  const other = await openLogUnderTest();
  await other.grow(9);
  const [forged] = await other.rows<{ size: string; root: Buffer; edge: Buffer }>(
    'select size, root, edge from audit_log',
  );
  await other.close();
  assert(forged !== undefined);
  const { size, root, edge } = forged;
  await it.tamper('update audit_log set size = $1, root = $2, edge = $3', [size, root, edge]);
  await publishNext();
  assert.deepEqual(await sizesOf('2026'), [1, 6]);
  assert.equal(instance.lines[0], 'error audit_log_inconsistent');
  assert.equal((await findActiveShard(it.pool))?.shard, '2026-2');
});

test('a log that was removed and begun anew is not signed under the same name', async () => {
  await it.grow(5);
  await publishNext();
  await it.tamper('delete from audit_checkpoint');
  await it.tamper('delete from audit_segment where first_index > 0');
  await it.tamper('update audit_log set size = 1, edge = substring(edge for 32)');
  await it.tamper(`update audit_log set root = edge`);
  await publishNext();
  assert.deepEqual(await sizesOf('2026'), []);
  assert.equal((await findActiveShard(it.pool))?.shard, '2026-2');
});

const EDITS = {
  'the root': `update audit_log set root = set_byte(root, 0, get_byte(root, 0) # 1)`,
  'the edge': `update audit_log set edge = set_byte(edge, 0, get_byte(edge, 0) # 1)`,
  'the edge, cut off': `update audit_log set edge = substring(edge for length(edge) - 32)`,
  'the size': `update audit_log set size = size + 1`,
  'a tile': `update audit_tile set hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) where level = 0 and n = 0`,
  'a tile that was removed': `delete from audit_tile`,
  'the root of a published checkpoint': `update audit_checkpoint set root = set_byte(root, 0, get_byte(root, 0) # 1)`,
};

for (const [what, sql] of Object.entries(EDITS)) {
  test(`an edit stops signing, and is told: ${what}`, async () => {
    await it.grow(100);
    await publishNext();
    await it.grow(200);
    await it.tamper(sql);
    await publishNext();
    assert.deepEqual(await sizesOf('2026'), [101]);
    assert.deepEqual(instance.lines, ['error audit_log_inconsistent', 'warn audit_shard_replaced']);
    assert.equal(instance.measured.frozen, 1);
    assert.equal((await firstLeafOf(2))?.op, 'log.open');
  });
}

test('a published checkpoint of a size that the tree does not have stops signing', async () => {
  await publishNext();
  await it.tamper('update audit_checkpoint set size = 1000000');
  await it.grow(1);
  await publishNext();
  assert.equal(instance.lines[0], 'error audit_log_went_backwards');
  assert.equal((await findActiveShard(it.pool))?.shard, '2026-2');
});

test('a size beyond all numbers stops signing, and is told', async () => {
  await publishNext();
  await it.tamper('update audit_log set size = 9007199254740993');
  await publishNext();
  await publishNext();
  assert.deepEqual(await sizesOf('2026'), [1]);
  assert.equal(instance.lines[0], 'error audit_log_inconsistent');
  assert.equal(instance.measured.frozen, 1);
});

test('an edge that never was signed is not signed either', async () => {
  await it.tamper(EDITS['the edge']);
  await publishNext();
  assert.deepEqual(await sizesOf('2026'), []);
  assert.equal(instance.lines[0], 'error audit_log_inconsistent');
});

test('five instances that find the same contradiction open one successor', async () => {
  const folders = await startInstance(it);
  const { heads } = folders.deps;
  const instances = await Promise.all(
    Array.from({ length: 5 }, () => startInstance(it, { heads })),
  );
  const restore = await backUp();
  await it.grow(5);
  await publishNext(folders);
  await restore();
  await it.nextTurn();
  await Promise.all(instances.map(({ round }) => round()));
  const shards = await it.rows<{ shard: string; state: string }>(
    'select shard, state from audit_log order by log_id',
  );
  assert.deepEqual(shards, [
    { shard: '2026', state: 'frozen' },
    { shard: '2026-2', state: 'active' },
  ]);
  for (const { measured } of instances) assert.equal(measured.frozen, 1);
});

test('a checkpoint that we did not sign is an alarm, and is not cited as one that we did', async () => {
  await publishNext();
  const [signed] = await it.published();
  await it.grow(5);
  // With the service's role: of a size that there is, but of another tree.
  await it.pool.query(`select audit_publish(log_id, 4, sha256('x'), 'forged') from audit_log`);
  await instance.round();
  assert.equal(instance.lines[0], 'error audit_log_inconsistent');
  assert.deepEqual((await firstLeafOf(2))?.attr?.['previous'], {
    origin: ORIGIN,
    size: 1,
    root: signed?.root.toString('base64'),
  });
});

test('no checkpoint is signed for a name that somebody else wrote into the database', async () => {
  await it.tamper(`update audit_log set origin = 'bank.test/audit/2026'`);
  await publishNext();
  assert.deepEqual(await it.rows('select from audit_checkpoint'), []);
  assert.deepEqual(instance.lines, ['error audit_checkpoint_failed']);
});
