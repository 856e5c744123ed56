import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Pool } from 'pg';
import { checkDurability, checkServiceRole } from '../../src/adapters/postgres/durability.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { openAuditLog } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

const FORBIDDEN_TO_SERVICE = [
  'update audit_pending set n = 1',
  'delete from audit_pending',
  'truncate audit_pending',
  'drop table audit_pending',
  'alter table audit_pending disable trigger all',
  'create table mine (id int)',
  'set session_replication_role = replica',
  'update policy_version set document = document',
  'update key_version set state = state',
  `update token set sealed = ''`,
  'update token set expires_at = null',
  'update token set target_token = null, target_shard = null',
  `update subject set sealed_secret = ''`,
  // What says that a token, or a person, has ended; what is older than any cache is forgotten.
  'update revocation set revoked_at = revoked_at',
  'truncate revocation',
  'update tombstone set digest = digest',
  'delete from tombstone',
  'update token_tag set tag = tag',
  'update erasure set erased = 0',
  'delete from erasure',
  'truncate budget_lease',
  'update vault set name = name',
  'set role postgres',
];

const FORBIDDEN_TO_OWNER = [
  'update audit_pending set n = 1',
  'delete from audit_pending',
  'truncate audit_pending',
];

describe('rights in the database', () => {
  let database: TestDatabase;
  let pool: Pool;
  const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text));
  before(async () => {
    database = await createTestDatabase();
    pool = makePool({ connectionString: database.serviceUrl, max: 1, name: 'test' });
    const { writer, close } = await openAuditLog(database.serviceUrl);
    await writer.append(revealEvent);
    await close();
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });

  for (const statement of FORBIDDEN_TO_SERVICE) {
    it(`the service may not: ${statement}`, async () => {
      await withClient(database.serviceUrl, (client) => assert.rejects(client.query(statement)));
    });
  }

  for (const statement of FORBIDDEN_TO_OWNER) {
    it(`not even the owner may by an ordinary statement: ${statement}`, async () => {
      await assert.rejects(sql(statement), /append-only/);
      await assert.rejects(
        sql(statement.replace('audit_pending', `audit_pending_${today()}`)),
        /append-only/,
      );
    });
  }

  it('a service role as it should be is accepted', async () => {
    await checkServiceRole(pool);
    await checkDurability(pool);
  });

  it('the start refuses a service that could change the log', async () => {
    const owner = makePool({ connectionString: database.ownerUrl, max: 1, name: 'test' });
    await assert.rejects(checkServiceRole(owner), /superuser/);
    await owner.end();
    for (const right of ['update', 'delete', 'truncate', 'update (mac)']) {
      await sql(`grant ${right} on audit_pending to counterfoil_service`);
      await assert.rejects(checkServiceRole(pool), /may (update|delete|truncate)/);
      await sql(`revoke ${right} on audit_pending from counterfoil_service`);
    }
  });

  it('the start refuses a database that forgets what it acknowledged, and names the setting', async () => {
    const name = new URL(database.ownerUrl).pathname.slice(1);
    await sql(`alter database ${name} set synchronous_commit = off`);
    const fresh = makePool({ connectionString: database.serviceUrl, max: 1, name: 'test' });
    await assert.rejects(checkDurability(fresh), /synchronous_commit/);
    const { rows } = await fresh.query('show synchronous_commit');
    assert.deepEqual(rows, [{ synchronous_commit: 'on' }]);
    await fresh.end();
    await sql(`alter database ${name} reset synchronous_commit`);
  });
});

function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '');
}
