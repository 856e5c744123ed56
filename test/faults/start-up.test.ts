import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { VaultError } from '../../src/domain/errors.ts';
import { withClient } from '../helpers/database.ts';
import { startTestService } from '../helpers/service.ts';
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts';

// A server of its own: settings of a whole server are changed here.
let postgres: OwnPostgres;
const rootKey = randomBytes(32);
before(async () => {
  postgres = await startOwnPostgres();
  await startAndClose();
});
after(() => postgres?.close());

const sql = (url: string, text: string) => withClient(url, (client) => client.query(text));

async function startAndClose(changes: { databaseUrl?: string; rootKey?: Buffer } = {}) {
  const service = await startTestService({
    databaseUrl: postgres.serviceUrl,
    rootKey,
    ...changes,
  });
  await service.close();
}

/** It does not start, and says why in one line; then it starts again when the cause is gone. */
async function assertRefused(why: RegExp, changes: Parameters<typeof startAndClose>[0] = {}) {
  await assert.rejects(startAndClose(changes), (error: unknown) => {
    assert.ok(error instanceof VaultError, String(error));
    assert.match(error.message, why);
    assert.ok(!error.message.includes('\n'));
    return true;
  });
}

/** Refused between two statements of a superuser, and only then. */
async function assertRefusedBetween(statements: [string, string], why: RegExp): Promise<void> {
  const admin = new URL(postgres.adminUrl);
  admin.pathname = '/counterfoil';
  await sql(admin.href, statements[0]);
  try {
    await assertRefused(why);
  } finally {
    await sql(admin.href, statements[1]);
  }
  await startAndClose();
}

/** Changes a setting of the server, waits until it is in force, and takes it back afterwards. */
async function whileSet(setting: string, value: string, work: () => Promise<void>): Promise<void> {
  const { adminUrl } = postgres;
  const apply = async (statement: string) => {
    await sql(adminUrl, statement);
    await sql(adminUrl, 'select pg_reload_conf()');
  };
  const isInForce = async (wanted: string) =>
    (await sql(adminUrl, `show ${setting}`)).rows[0][setting] === wanted;
  await apply(`alter system set ${setting} = ${value}`);
  while (!(await isInForce(value)));
  try {
    await work();
  } finally {
    await apply(`alter system reset ${setting}`);
    while (!(await isInForce('on')));
  }
}

for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
  it(`does not start on a Postgres with ${setting} off, and names the setting`, async () => {
    await whileSet(setting, 'off', () =>
      assertRefused(new RegExp(`may lose acknowledged writes: set ${setting} to on`)),
    );
    await startAndClose();
  });
}

it('does not start when only its own role or database has commits that are not awaited', async () => {
  for (const scope of ['role counterfoil_app', 'database counterfoil']) {
    const change: [string, string] = [
      `alter ${scope} set synchronous_commit = off`,
      `alter ${scope} reset synchronous_commit`,
    ];
    await assertRefusedBetween(change, /set synchronous_commit to on/);
  }
});

it('does not start as a role that could change the audit log', async () => {
  await assertRefused(/could change audit_pending/, { databaseUrl: postgres.ownerUrl });
  const admin = new URL(postgres.adminUrl);
  admin.pathname = '/counterfoil';
  await assertRefused(/could change audit_pending/, { databaseUrl: admin.href });
});

it('does not start as a role that may do more than insert into the log', async () => {
  for (const right of ['update', 'delete', 'truncate']) {
    const change: [string, string] = [
      `grant ${right} on audit_pending to counterfoil_service`,
      `revoke ${right} on audit_pending from counterfoil_service`,
    ];
    await assertRefusedBetween(change, /could change audit_pending/);
  }
});

it('does not start with another root key beside existing data', async () => {
  await assertRefused(/wrapped under another root key/, { rootKey: randomBytes(32) });
  await startAndClose();
});

it('does not start on a schema that lacks a migration', async () => {
  const change: [string, string] = [
    `create table kept as select * from schema_migration;
     delete from schema_migration where version = (select max(version) from kept)`,
    'insert into schema_migration select * from kept on conflict do nothing; drop table kept',
  ];
  await assertRefusedBetween(change, /lacks 1 migrations?; run "counterfoil migrate"/);
});

it('does not start on a schema that a newer release has migrated', async () => {
  const change: [string, string] = [
    `insert into schema_migration (version, name, sha256) values (9999, '9999_later', 'x')`,
    'delete from schema_migration where version = 9999',
  ];
  await assertRefusedBetween(change, /newer|later|9999/i);
});

it('does not start on a schema that was migrated with another file', async () => {
  const change: [string, string] = [
    `update schema_migration set sha256 = 'x' || sha256 where version = 1`,
    `update schema_migration set sha256 = substr(sha256, 2) where version = 1`,
  ];
  await assertRefusedBetween(change, /0001/);
});

it('does not start on a database that was never migrated', async () => {
  const empty = new URL(postgres.serviceUrl);
  empty.pathname = '/template1';
  await assertRefused(/run "counterfoil migrate"/, { databaseUrl: empty.href });
});
