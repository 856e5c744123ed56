import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeIndexes } from '../../src/adapters/postgres/audit/retention/change.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import type { Json } from '../../src/domain/audit/jcs.ts';
import { withClient } from '../helpers/database.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { openRetentionLog, type RetentionLog } from '../helpers/retention-log.ts';

const EVENTS = 300;
const NOT_TOLD = /the log does not tell of this/;

let retention: RetentionLog;
before(async () => {
  retention = await openRetentionLog();
  await retention.log.append(Array.from({ length: EVENTS }, () => sampleEvent()));
  await retention.publish();
});
after(() => retention.close());

/** A statement with the service's rights, which an attacker may have. */
const attack = (text: string, values: unknown[] = []) =>
  withClient(retention.database.serviceUrl, (client) => client.query(text, values));

/** Puts an event into the tree, as whoever has those rights can; its id. */
async function tell(
  operation: 'audit.erase' | 'audit.prune' | 'key.destroy',
  attributes: { [name: string]: Json },
): Promise<Buffer> {
  await retention.log.append([sampleEvent({ operation, attributes })]);
  return Buffer.from(retention.log.ids.at(-1) ?? '', 'base64url');
}

const tellErasure = (indexes: Buffer, more: { [name: string]: Json } = {}) =>
  tell('audit.erase', {
    shard: '2026',
    label: 'who',
    count: indexes.length / 8,
    indexes: sha256(indexes).toString('base64'),
    basis: 'retention',
    ...more,
  });

const ERASE = 'select audit_erase($1, 1::smallint, $2, $3)';
const BLANK = `select audit_blank($1, 1::smallint, 'who', $2, $3, $4, array[]::bigint[])`;

const FORBIDDEN = [
  'update audit_segment set who = who',
  'delete from audit_segment',
  'truncate audit_segment',
  'insert into audit_segment select * from audit_segment',
  'update audit_term set positions = positions',
  'delete from audit_term',
  'update audit_log set min_index = 256',
  'delete from audit_tile',
  'delete from audit_checkpoint',
  `insert into audit_erasure (event_id, log_id, label, indexes) values ('\\x00', 1, 'who', '')`,
  'delete from audit_erasure',
  `update key_version set state = 'destroyed'`,
  'drop table audit_pending_20200101',
  `select audit_drop_integrated('2100-01-01')`,
  `select audit_drop_postings(1::smallint, 0, array[0]::smallint[], array(select term from audit_term))`,
  `select audit_require_told('\\x00', 'audit.erase', '{}')`,
  `select audit_forget(0, 209901, 1::smallint, 0)`,
];

for (const statement of FORBIDDEN) {
  test(`the service may not: ${statement}`, async () => {
    for (const change of ['', 'UPDATE', 'DELETE']) {
      // What the owner's functions set for themselves is of no use to others.
      await assert.rejects(
        withClient(retention.database.serviceUrl, async (client) => {
          await client.query(`select set_config('counterfoil.audit_change', $1, false)`, [change]);
          await client.query(statement);
        }),
        /permission denied|must be owner|does not exist|not destroyed/,
      );
    }
  });
}

test('nothing is erased that the tree does not tell of, in just these words', async () => {
  const [indexes, others] = [encodeIndexes([1, 2]), encodeIndexes([1, 3])];
  const event = await tellErasure(indexes);
  const plain = Buffer.from(retention.log.ids[0] ?? '', 'base64url');
  const pruning = await tell('audit.prune', { shard: '2026', minIndex: 0 });
  for (const id of [Buffer.alloc(16), plain, pruning]) {
    await assert.rejects(attack(ERASE, [id, 'who', indexes]), NOT_TOLD);
  }
  await assert.rejects(attack(ERASE, [event, 'what', indexes]), NOT_TOLD);
  await assert.rejects(attack(ERASE, [event, 'who', others]), NOT_TOLD);
  for (const more of [{ shard: '2025' }, { count: 1 }, { label: 'what' }]) {
    const wrong = await tellErasure(indexes, more);
    await assert.rejects(attack(ERASE, [wrong, 'who', indexes]), NOT_TOLD);
  }
  assert.deepEqual(await retention.sql('select from audit_erasure'), []);
  await attack(ERASE, [event, 'who', indexes]);
  await attack(ERASE, [event, 'who', indexes]);
  assert.equal((await retention.sql('select from audit_erasure')).length, 1);
});

test('nothing is published that the shard does not have: it would be the last checkpoint', async () => {
  const PUBLISH = `select audit_publish(1::smallint, $1, $2, 'forged')`;
  const { rows } = await attack('select size, root from audit_log where log_id = 1');
  const [{ size, root }] = rows as [{ size: string; root: Buffer }];
  for (const [more, of] of [
    [2n ** 60n, root],
    [BigInt(size) + 1n, root],
    [size, Buffer.alloc(32, 1)],
  ] as const) {
    await assert.rejects(attack(PUBLISH, [more, of]), /not a state of the log/);
  }
  await assert.rejects(
    attack(`select audit_publish(9::smallint, 1, $1, 'forged')`, [root]),
    /not a state of the log/,
  );
});

test('an event that is only pending is not enough', async () => {
  // Durable is not yet seen by anybody: it must be in the tree.
  const [row] = await retention.sql('select count(*)::int as n from audit_pending');
  assert.deepEqual(row, { n: 0 });
  const indexes = encodeIndexes([4]);
  await assert.rejects(attack(ERASE, [Buffer.alloc(16, 9), 'who', indexes]), NOT_TOLD);
});

test('lists that are no ascending indexes of the shard are refused', async () => {
  const lists = [
    Buffer.alloc(0),
    Buffer.alloc(7),
    encodeIndexes([2, 1]),
    encodeIndexes([5, 5]),
    encodeIndexes([1_000_000]),
    Buffer.alloc(8, 0xff),
    Buffer.alloc(65_537 * 8),
  ];
  for (const list of lists) {
    const event = await tellErasure(list);
    await assert.rejects(attack(ERASE, [event, 'who', list]), /not a list|not ascending/);
  }
});

test('a part that is not of the erasure, or not of the segment, is refused', async () => {
  const list = encodeIndexes([10, 20]);
  const event = await tellErasure(list);
  await assert.rejects(attack(BLANK, [event, 0, 0, 1]), /no rows/);
  await attack(ERASE, [event, 'who', list]);
  const before = await retention.sql('select * from audit_segment order by first_index');
  for (const [segment, from, count] of [
    [0, -1, 1],
    [0, 0, 0],
    [0, 0, -1],
    [0, 2, 1],
    [0, 1, 2],
    [0, 2_147_483_647, 1],
    [EVENTS, 0, 1],
    [1, 0, 1],
  ]) {
    await assert.rejects(attack(BLANK, [event, segment, from, count]));
  }
  assert.deepEqual(await retention.sql('select * from audit_segment order by first_index'), before);
});

test('offsets that lie cannot lead an erasure to heads or to other events', async () => {
  await retention.sql(`
    set session_replication_role = replica;
    update audit_segment set offsets = decode(repeat('0000000000000004ffffffff', n), 'hex') where first_index = 0`);
  const list = encodeIndexes([7]);
  const event = await tellErasure(list);
  const [before] = await retention.sql('select * from audit_segment where first_index = 0');
  await attack(ERASE, [event, 'who', list]);
  await attack(BLANK, [event, 0, 0, 1]);
  const [after] = await retention.sql('select * from audit_segment where first_index = 0');
  const [was, is] = [before?.['who'] as Buffer, after?.['who'] as Buffer];
  let at = 0;
  for (let place = 0; place < 7; place += 1) at += 8 + was.readUInt32BE(at + 4);
  const length = was.readUInt32BE(at + 4);
  const expected = Buffer.from(was);
  expected.fill(0, at + 8, at + 8 + length);
  assert.ok(is.equals(expected));
  assert.deepEqual({ ...after, who: undefined }, { ...before, who: undefined });
});

test('heads that lie stop an erasure', async () => {
  await retention.log.append([sampleEvent(), sampleEvent()]);
  const first = retention.log.edge.size() - 2;
  await retention.sql(
    `set session_replication_role = replica;
     update audit_segment set who = overlay(who placing '\\xffffffff'::bytea from 5 for 4) where first_index = ${first}`,
  );
  const list = encodeIndexes([first]);
  const event = await tellErasure(list);
  await attack(ERASE, [event, 'who', list]);
  await assert.rejects(attack(BLANK, [event, first, 0, 1]), /malformed|out of/);
});

test('the posting of another event is beyond an erasure, whatever terms it names', async () => {
  const list = encodeIndexes([30]);
  const event = await tellErasure(list);
  await attack(ERASE, [event, 'who', list]);
  const postings = () =>
    retention.sql(`select term, at from audit_term, unnest(positions) as at
      where segment = 0 and at <> 30 order by term, at`);
  const before = await postings();
  const every = await retention.sql('select array_agg(term) as terms from audit_term');
  await attack(BLANK.replace('array[]::bigint[]', '$5'), [event, 0, 0, 1, every[0]?.['terms']]);
  assert.deepEqual(await postings(), before);
});

test('pruning goes to whole bundles of what is published and told, and never back', async () => {
  const PRUNE = 'select audit_prune($1, 1::smallint, $2)';
  const minOf = () => retention.sql('select min_index::int from audit_log');
  const events = new Map<number, Buffer>();
  for (const minIndex of [0, 100, 256, 512, -256]) {
    events.set(minIndex, await tell('audit.prune', { shard: '2026', minIndex }));
  }
  for (const minIndex of [100, 512, -256]) {
    await assert.rejects(attack(PRUNE, [events.get(minIndex), minIndex]), /not an index/);
  }
  await assert.rejects(attack(PRUNE, [events.get(0), 256]), NOT_TOLD);
  assert.deepEqual(await minOf(), [{ min_index: 0 }]);
  await attack('select audit_drop_pruned(1::smallint)');
  await attack(PRUNE, [events.get(256), 256]);
  await attack(PRUNE, [events.get(0), 0]);
  assert.deepEqual(await minOf(), [{ min_index: 256 }]);
  // The segment goes on beyond the index.
  const { rows } = await attack('select audit_drop_pruned(1::smallint) as dropped');
  assert.deepEqual(rows, [{ dropped: 0 }]);
});

test('a key is destroyed only as told, and never that of a month that goes on', async () => {
  const DESTROY = `select audit_destroy_key($1, 0, $2, '\\x${'00'.repeat(32)}')`;
  const now = new Date();
  const month = now.getUTCFullYear() * 100 + now.getUTCMonth() + 1;
  const told = await tell('key.destroy', { vault: '_system', purpose: 'private', month });
  await assert.rejects(attack(DESTROY, [told, month]), /not over/);
  await assert.rejects(attack(DESTROY, [told, 202_001]), NOT_TOLD);
});
