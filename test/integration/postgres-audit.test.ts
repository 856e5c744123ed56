import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAuditTail } from '../../src/adapters/postgres/audit/tail.ts';
import { batchMac, bootMacKey } from '../../src/crypto/batch-mac.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { assertGapFree, leavesByWriter, openAuditLog, readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

const isUnavailable = (error: unknown): boolean =>
  error instanceof VaultError && error.code === 'audit_unavailable';

/** Each id is in the table exactly once. */
async function assertDurableOnce(database: TestDatabase, ids: readonly string[]): Promise<void> {
  const times = new Map<string, number>();
  for (const { leaf } of await readLeaves(database.ownerUrl)) {
    times.set(leaf.id, (times.get(leaf.id) ?? 0) + 1);
  }
  assert.deepEqual(
    ids.filter((id) => times.get(id) !== 1),
    [],
  );
}

let database: TestDatabase;
const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text));
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

it('starts each writer at 0, leaves no hole, and ends with a stop', async () => {
  const { writer, close } = await openAuditLog(database.serviceUrl);
  await Promise.all(Array.from({ length: 600 }, () => writer.append(revealEvent)));
  await close();
  await assertGapFree(database.ownerUrl);
  const lasts = (await leavesByWriter(database.ownerUrl)).map(
    (written) => written.at(-1)?.leaf['op'],
  );
  assert.deepEqual(new Set(lasts), new Set(['audit.writer.stop']));
});

it('refuses events once it is closed', async () => {
  const { writer, close } = await openAuditLog(database.serviceUrl);
  await close();
  await assert.rejects(writer.append(revealEvent), isUnavailable);
});

it('loses and doubles nothing that it acknowledged while its connections are killed', async () => {
  const { writer, close } = await openAuditLog(database.serviceUrl);
  let killing = true;
  const killer = withClient(database.ownerUrl, async (client) => {
    let kills = 0;
    while (killing) {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'test-audit' and datname = current_database() and random() < 0.7`,
      );
      kills += rowCount ?? 0;
      await sleep(5 + Math.random() * 15);
    }
    return kills;
  });
  const acknowledged: string[] = [];
  const appender = async () => {
    for (let turn = 0; turn < 40; turn += 1) {
      const receipt = await writer.append(revealEvent).catch((error: unknown) => {
        assert.ok(isUnavailable(error));
      });
      if (receipt) {
        acknowledged.push(receipt.eventId);
      }
    }
  };
  await Promise.all(Array.from({ length: 64 }, appender)).finally(() => {
    killing = false;
  });
  assert.ok((await killer) >= 3, 'hardly any connection was killed');
  assert.ok(acknowledged.length >= 64, 'hardly anything was acknowledged');
  await close();
  await assertDurableOnce(database, acknowledged);
  await assertGapFree(database.ownerUrl);
});

it('does not take a commit that the server warns about for a success, and looks again', async () => {
  // Stands in for the warning of a cancelled wait for a standby, which has the same code.
  await sql(`create function warn() returns trigger language plpgsql as
      $$ begin raise warning 'canceling wait'; return new; end $$;
      create trigger warn before insert on audit_pending for each row execute function warn()`);
  const { writer, pool, close } = await openAuditLog(database.serviceUrl);
  let confirmations = 0;
  pool.on('release', (error) => {
    confirmations += error ? 1 : 0;
  });
  const { eventId } = await writer.append(revealEvent);
  assert.ok(confirmations >= 1, 'the warned connection was trusted');
  await sql('drop trigger warn on audit_pending');
  await close();
  await assertDurableOnce(database, [eventId]);
  await assertGapFree(database.ownerUrl);
});

it('answers audit_unavailable while the table is locked, and then goes on', async () => {
  const { writer, close } = await openAuditLog(database.serviceUrl);
  await writer.append(revealEvent);
  await withClient(database.ownerUrl, async (client) => {
    await client.query('begin');
    await client.query('lock table audit_pending in access exclusive mode');
    await assert.rejects(writer.append(revealEvent), isUnavailable);
    await client.query('rollback');
  });
  const { eventId } = await writer.append(revealEvent);
  await close();
  await assertDurableOnce(database, [eventId]);
  await assertGapFree(database.ownerUrl);
});

it('refuses at once what its queue has no room for', async () => {
  const { writer, close } = await openAuditLog(database.serviceUrl);
  const settled = await Promise.allSettled(
    Array.from({ length: 10_001 }, () => writer.append(revealEvent)),
  );
  const refused = settled.filter(({ status }) => status === 'rejected');
  assert.ok(refused.length >= 1);
  assert.ok(refused.every((each) => each.status === 'rejected' && isUnavailable(each.reason)));
  await close();
  await assertGapFree(database.ownerUrl);
});

it('makes a missing partition itself', async () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  await sql(`drop table audit_pending_${today}`);
  const { writer, close } = await openAuditLog(database.serviceUrl);
  const { eventId } = await writer.append(revealEvent);
  await close();
  await assertDurableOnce(database, [eventId]);
});

it('shows the last events with their disclosures, and says which batches were altered', async () => {
  const { writer, pool, keysets, close } = await openAuditLog(database.serviceUrl);
  const { eventId } = await writer.append(revealEvent);
  const [last] = await readAuditTail({ pool, keysets }, 1);
  assert.ok(last?.intact);
  assert.equal(last.leaf.id, eventId);
  assert.deepEqual(last.what, {
    req: { id: 'request-1', purpose: 'support' },
    tok: ['tok_1'],
    view: 'full',
  });
  assert.match(JSON.stringify(last.who), /ada/);

  await withClient(database.ownerUrl, async (client) => {
    // Only by switching the guard off can even the owner change a row; the MAC then shows it.
    await client.query('set session_replication_role = replica');
    await client.query('update audit_pending set sealed_who = sealed_what');
  });
  const altered = await readAuditTail({ pool, keysets }, 10);
  assert.ok(altered.length > 0 && altered.every(({ intact }) => !intact));
  await close();
});

it('shows rows of the version that had no terms, and no row that lost or got its terms later', async () => {
  const { writer, pool, keysets, close } = await openAuditLog(database.serviceUrl);
  const { eventId } = await writer.append(revealEvent);
  const found = async () => {
    const entries = await readAuditTail({ pool, keysets }, 1);
    return entries.some((entry) => entry.intact && entry.leaf.id === eventId);
  };
  assert.ok(await found());
  await withClient(database.ownerUrl, async (client) => {
    await client.query('set session_replication_role = replica');
    const last = '(select max(written_at) from audit_pending)';
    const set = (column: string, value: Buffer | undefined) =>
      client.query(`update audit_pending set ${column} = $1 where written_at = ${last}`, [value]);
    const { rows } = await client.query(
      `select day::text, boot_id, first_seq, n, leaves, sealed_who, sealed_what, terms
       from audit_pending where written_at = ${last}`,
    );
    const [row] = rows;
    await set('terms', undefined);
    assert.ok(!(await found()), 'a row without its terms was believed');
    const bootId = row.boot_id.toString('base64url');
    const batch = {
      day: row.day,
      logId: 1,
      bootId,
      firstSeq: BigInt(row.first_seq),
      count: row.n,
      leaves: row.leaves,
      who: row.sealed_who,
      what: row.sealed_what,
    };
    await set('mac', batchMac(bootMacKey(await keysets.auditMac(), bootId), batch));
    assert.ok(await found(), 'a row of the earlier version was not believed');
    await set('terms', row.terms);
    assert.ok(!(await found()), 'terms were given to a row of the earlier version');
  });
  await close();
});
