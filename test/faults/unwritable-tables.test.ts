import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

const VALUE = 'canary-4711@example.com';
const NEVER_ISSUED = 'eml_0123456789abcdefghjkmnpqrs';
const WITHIN_MS = 8_000;

let database: TestDatabase;
let service: TestService;
let token: string;
before(async () => {
  database = await createTestDatabase();
  service = await startTestService({ databaseUrl: database.serviceUrl });
  token = (await service.post('app', 'tokenize', { field: 'email', value: VALUE })).body.token;
});
after(async () => {
  await service?.close();
  await database?.drop();
});

const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text));

/** Every route that carries data, as someone who may use it. */
const calls = (): [role: string, path: string, body: object][] => [
  ['app', 'tokenize', { field: 'email', value: VALUE }],
  ['app', 'tokenize', { field: 'name', value: VALUE }],
  ['app', 'tokenize/batch', { items: [{ field: 'email', value: VALUE }] }],
  ['app', 'lookup', { field: 'email', value: VALUE }],
  ['supervisor', 'detokenize', { token, purpose: 'support-ticket' }],
  ['supervisor', 'detokenize/batch', { tokens: [token], purpose: 'support-ticket' }],
  ['supervisor', 'tokens/inspect', { token }],
  // Neither a refusal nor an absence may leave without its event.
  ['app', 'detokenize', { token, purpose: 'support-ticket' }],
  ['supervisor', 'detokenize', { token: NEVER_ISSUED, purpose: 'support-ticket' }],
  ['app', 'tokenize', { field: 'email', value: VALUE, extra: VALUE }],
  ['app', 'no-such-route', {}],
];

async function assertWithheld(): Promise<void> {
  const startedMs = performance.now();
  const answers = await Promise.all(calls().map((call) => service.post(...call)));
  assert.ok(performance.now() - startedMs < WITHIN_MS);
  for (const [index, { status, body, text, headers }] of answers.entries()) {
    assert.equal(status, 503, `${calls()[index]?.[1]}: ${text}`);
    assert.equal(body.code, 'audit_unavailable');
    assert.equal(headers.get('audit-event-id'), null);
    const everything = `${text}${JSON.stringify([...headers])}`;
    assert.ok(!everything.includes('canary') && !everything.includes(token));
  }
}

async function assertServes(): Promise<void> {
  const giveUpAtMs = performance.now() + WITHIN_MS;
  const expected = [200, 200, 200, 200, 200, 200, 200, 403, 404, 400, 404];
  for (;;) {
    const answers = await Promise.all(calls().map((call) => service.post(...call)));
    const statuses = answers.map(({ status }) => status);
    // A connection that was opened while the database took no writes fails once more, and goes.
    const isRecovering = statuses.includes(503) && performance.now() < giveUpAtMs;
    if (!isRecovering) return assert.deepEqual(statuses, expected);
  }
}

/** How the log can become unwritable, and what mends it. */
const BREAKAGES: Record<string, [string, string]> = {
  'the right to insert is taken away': [
    'revoke insert on audit_pending from counterfoil_service',
    'grant insert on audit_pending to counterfoil_service',
  ],
  'a trigger refuses every row': [
    `create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
     create trigger refuse before insert on audit_pending for each row execute function refuse()`,
    'drop trigger refuse on audit_pending; drop function refuse',
  ],
  'the disk is full': [
    `create function refuse() returns trigger language plpgsql as
       $$ begin raise 'could not extend file' using errcode = 'disk_full'; end $$;
     create trigger refuse before insert on audit_pending for each row execute function refuse()`,
    'drop trigger refuse on audit_pending; drop function refuse',
  ],
  'the table is gone': [
    'alter table audit_pending rename to audit_hidden',
    'alter table audit_hidden rename to audit_pending',
  ],
  'the database takes no writes': [
    `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$;
     select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name like 'counterfoil%'`,
    `begin read write;
     do $$ begin execute format('alter database %I reset default_transaction_read_only', current_database()); end $$;
     commit`,
  ],
};

for (const [what, [breakIt, mendIt]] of Object.entries(BREAKAGES)) {
  it(`gives nothing away on any route while ${what}, and serves by itself afterwards`, async () => {
    await assertServes();
    await sql(breakIt);
    try {
      await assertWithheld();
    } finally {
      await sql(mendIt);
    }
    await assertServes();
  });
}

it('says store_unavailable, on record, while tokens cannot be stored, and still reads', async () => {
  await sql('revoke insert on token from counterfoil_service');
  try {
    for (const field of ['email', 'name']) {
      const value = `fresh-${VALUE}`;
      const { status, body, headers } = await service.post('app', 'tokenize', { field, value });
      assert.deepEqual([status, body.code], [503, 'store_unavailable']);
      assert.ok(headers.get('audit-event-id'));
    }
    const ask = { token, purpose: 'support-ticket' };
    assert.equal((await service.post('supervisor', 'detokenize', ask)).body.value, VALUE);
  } finally {
    await sql('grant insert on token to counterfoil_service');
  }
  await assertServes();
});
