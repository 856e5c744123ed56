// The database is put back to an older state, whole, and a service starts on it that remembers what was signed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { withClient } from '../helpers/database.ts';
import { makePoolWithin } from '../helpers/pool-within.ts';
import { startTestService } from '../helpers/service.ts';
import { ask } from '../helpers/tamper-detectors.ts';
import { openTamperedLog, originOf, ROOT_KEY, type TamperedLog } from '../helpers/tampered-log.ts';

let log: TamperedLog;
before(async () => {
  log = await openTamperedLog();
});
after(() => log?.close());

const inRestored = <Row extends object>(text: string): Promise<Row[]> =>
  withClient(log.restored.ownerUrl, async (client) => (await client.query<Row>(text)).rows);

test('a database from a backup is frozen, its successor cites what was signed, and an auditor sees it', async () => {
  const signed = log.heads.get(originOf(log.shard)) ?? assert.fail();
  const service = await startTestService({
    databaseUrl: log.restored.serviceUrl,
    rootKey: ROOT_KEY,
    headFolder: log.headFolder,
  });
  try {
    const isSuccessorSigned = async () =>
      (await inRestored('select size from audit_checkpoint where log_id = 3')).length > 0;
    while (!(await isSuccessorSigned())) await sleep(50);
    const [row] = await inRestored<{ leaves: Buffer; n: number }>(
      'select leaves, n from audit_segment where log_id = 3 and first_index = 0',
    );
    const [first] = decodeLeaves(row?.leaves ?? Buffer.alloc(0), row?.n ?? 0);
    const { previous, rollback } = readLeaf(first ?? '')?.attr ?? {};
    const { size, root } = signed;
    assert.deepEqual(previous, {
      origin: originOf(log.shard),
      size,
      root: root.toString('base64'),
    });
    assert.ok(typeof rollback === 'object');
    const shards = await inRestored<{ shard: string; state: string; signed: string | null }>(
      `select shard, state, (select max(size) from audit_checkpoint c where c.log_id = l.log_id)
         as signed from audit_log l order by log_id`,
    );
    const [, old, next] = shards;
    assert.deepEqual([old?.shard, old?.state], [log.shard, 'frozen']);
    // Nothing was signed of it since.
    assert.ok(Number(old?.signed) < size);
    assert.deepEqual([next?.shard, next?.state], [`${log.shard}-2`, 'active']);
  } finally {
    await service.close();
  }
  await withClient(log.restored.ownerUrl, async (client) => {
    await client.query('begin');
    const pool = makePoolWithin(client);
    assert.ok((await ask('auditor', log, pool)).has('auditor:log_shrank'));
    assert.ok((await ask('fsck', log, pool)).has('fsck:chain_lost'));
    await client.query('rollback');
  });
});
