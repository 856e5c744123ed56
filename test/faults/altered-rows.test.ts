import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { VaultError } from '../../src/domain/errors.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { DEMO_POLICY } from '../helpers/operations.ts';
import { startTestService } from '../helpers/service.ts';

// Rows that give rights, edited by whoever owns the database: none of it may start.
const DEMO = readFileSync(DEMO_POLICY, 'utf8');
const OTHER = DEMO.replace('vault: demo', 'vault: other');

let database: TestDatabase;
let rootKey: Buffer;
before(async () => {
  database = await createTestDatabase();
  const service = await startTestService({
    databaseUrl: database.serviceUrl,
    policies: [DEMO, OTHER],
  });
  rootKey = service.rootKey;
  await service.close();
});
after(() => database?.drop());

async function start(policies: readonly string[] = []): Promise<void> {
  const { serviceUrl: databaseUrl } = database;
  const service = await startTestService({ databaseUrl, rootKey, policies });
  await service.close();
}

/** Ids of the vaults, and everything about the demo vault's newest policy. */
const DEMO_ID = `(select id from vault where name = 'demo')`;
const OTHER_ID = `(select id from vault where name = 'other')`;

const ALTERED: Record<string, [table: string, edit: string, why: RegExp]> = {
  "a policy's document": [
    'policy_version',
    `update policy_version set document = replace(document, 'views: [masked, last4]', 'views: [full]')
     where vault_id = ${DEMO_ID}`,
    /version 1 of a policy of vault \d+ was altered/,
  ],
  "a policy's document with its hash": [
    'policy_version',
    `update policy_version set document = document || ' ', hash = sha256((document || ' ')::bytea)
     where vault_id = ${DEMO_ID}`,
    /version 1 of a policy of vault \d+ was altered/,
  ],
  "a policy's hash": [
    'policy_version',
    `update policy_version set hash = sha256('another file') where vault_id = ${DEMO_ID}`,
    /version 1 of a policy of vault \d+ was altered/,
  ],
  "a policy's version": [
    'policy_version',
    `update policy_version set version = 7 where vault_id = ${DEMO_ID}`,
    /version 7 of a policy of vault \d+ was altered/,
  ],
  "a policy's MAC": [
    'policy_version',
    `update policy_version set mac = set_byte(mac, 0, 255 - get_byte(mac, 0)) where vault_id = ${DEMO_ID}`,
    /version 1 of a policy of vault \d+ was altered/,
  ],
  'a policy of another vault': [
    'policy_version',
    `update policy_version set document = o.document, hash = o.hash, mac = o.mac
     from policy_version o where policy_version.vault_id = ${DEMO_ID} and o.vault_id = ${OTHER_ID}`,
    /version 1 of a policy of vault \d+ was altered/,
  ],
  'the names of two vaults': [
    'vault',
    `update vault set name = 'x' where id = ${DEMO_ID};
     update vault set name = 'demo' where name = 'other'; update vault set name = 'other' where name = 'x'`,
    /names another vault/,
  ],
  'the names of two fields': [
    'field',
    `update field set name = case name when 'pan' then 'email' else 'pan' end || '-x'
       where vault_id = ${DEMO_ID} and name in ('pan', 'email');
     update field set name = replace(name, '-x', '') where name like '%-x'`,
    /field \d+ of vault \d+ was altered/,
  ],
  "a field's MAC": [
    'field',
    `update field set mac = sha256(mac) where vault_id = ${DEMO_ID} and name = 'pan'`,
    /field \d+ of vault \d+ was altered/,
  ],
};

/** Edits rows as a superuser, runs `work`, and puts the table back as it was. */
async function whileAltered(table: string, edit: string, work: () => Promise<void>): Promise<void> {
  await withClient(database.ownerUrl, async (client) => {
    await client.query(`create table kept as select * from ${table}`);
    await client.query('set session_replication_role = replica');
    await client.query(edit);
    try {
      await work();
    } finally {
      await client.query(
        `delete from ${table}; insert into ${table} select * from kept; drop table kept`,
      );
    }
  });
}

for (const [what, [table, edit, why]] of Object.entries(ALTERED)) {
  it(`does not start when ${what} was edited in the database`, async () => {
    await whileAltered(table, edit, () =>
      assert.rejects(start(), (error: unknown) => {
        assert.ok(error instanceof VaultError && error.code === 'internal', String(error));
        assert.match(error.message, why);
        return true;
      }),
    );
    await start();
  });
}

it('a row that claims to be a file which was never applied does not keep that file out', async () => {
  const stricter = `${DEMO}\n# stricter`;
  const claim = `
    insert into policy_version (vault_id, version, document, hash, mac)
    select vault_id, version - 1, document, sha256(convert_to(document || E'\\n# stricter', 'UTF8')), mac
    from policy_version where vault_id = ${DEMO_ID}`;
  // Below the version in force there must be room: as after the deletion of an older one.
  const edit = `alter table policy_version drop constraint policy_version_version_check; ${claim}`;
  const mend =
    'alter table policy_version add constraint policy_version_version_check check (version > 0)';
  await whileAltered('policy_version', edit, () =>
    assert.rejects(start([stricter]), /version 0 of a policy of vault \d+ was altered/),
  );
  await withClient(database.ownerUrl, (client) => client.query(mend));
  await start();
});

for (const purpose of ['authority', 'audit-mac']) {
  it(`does not start when the state of the ${purpose} key was edited`, async () => {
    const edit = `update key_version set state = 'deactivated' where vault_id = 0 and purpose = '${purpose}'`;
    await whileAltered('key_version', edit, () =>
      assert.rejects(startAndAppend(), isKeyUnavailable),
    );
    await start();
  });
}

/** A new document makes an event, for which the audit key is needed. */
const startAndAppend = () => start([`${DEMO}# ${Math.random()}\n`]);

const isKeyUnavailable = (error: unknown): boolean =>
  error instanceof VaultError && /^(key|audit)_unavailable$/.test(error.code);

for (const [what, edit] of Object.entries({
  'the state of': `update key_version set state = 'deactivated'`,
  'the bytes of': 'update key_version set wrapped = wrapped || wrapped',
  'the vault of': `update key_version set wrapped = o.wrapped, mac = o.mac from
    (select wrapped, mac, purpose as p from key_version where vault_id = ${OTHER_ID}) o`,
})) {
  it(`serves no value under a key when ${what} its row was edited`, async () => {
    const where = `key_version.vault_id = ${DEMO_ID} and purpose = 'seal'`;
    const condition = edit.includes(' o') ? `${where} and o.p = purpose` : where;
    await whileAltered('key_version', `${edit} where ${condition}`, async () => {
      const { serviceUrl: databaseUrl } = database;
      const service = await startTestService({ databaseUrl, rootKey, policies: [] });
      try {
        const ask = { field: 'name', value: 'Ada Lovelace' };
        const { status, body, headers } = await service.post('app', 'tokenize', ask);
        assert.deepEqual([status, body.code], [503, 'key_unavailable']);
        assert.ok(headers.get('audit-event-id'));
      } finally {
        await service.close();
      }
    });
  });
}
