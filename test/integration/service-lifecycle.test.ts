import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database?.drop());

/** Runs `work` with a service on the database, and closes it. */
async function withService<T>(
  rootKey: Buffer | undefined,
  work: (service: TestService) => Promise<T>,
): Promise<T> {
  const { serviceUrl: databaseUrl } = database;
  const service = await startTestService({ databaseUrl, ...(rootKey && { rootKey }) });
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

const VALUE = { field: 'email', value: 'ada@example.com' };
const PURPOSE = { purpose: 'support-ticket' };

it('reads after a restart what it wrote before, and knows its values again', async () => {
  const made = await withService(undefined, async (service) => {
    const { body } = await service.post('app', 'tokenize', { ...VALUE, metadata: { a: 1 } });
    const owned = { field: 'name', value: 'Ada Lovelace', subject: 'c-1' };
    const person = await service.post('app', 'tokenize', owned);
    return { rootKey: service.rootKey, token: body.token, owned: person.body.token };
  });
  await withService(made.rootKey, async (service) => {
    const reveal = async (token: string) =>
      (await service.post('supervisor', 'detokenize', { token, ...PURPOSE })).body.value;
    assert.equal(await reveal(made.token), VALUE.value);
    assert.equal(await reveal(made.owned), 'Ada Lovelace');
    const inspected = await service.post('supervisor', 'tokens/inspect', { token: made.token });
    assert.deepEqual(inspected.body.metadata, { a: 1 });
    assert.equal((await service.post('app', 'tokenize', VALUE)).body.token, made.token);

    // A second instance beside it works with the same tokens, at once.
    await withService(made.rootKey, async (other) => {
      assert.deepEqual((await other.post('app', 'lookup', VALUE)).body, { token: made.token });
      await other.post('app', 'tokens/revoke', { tokens: [made.token] });
    });
    const gone = await service.post('supervisor', 'detokenize', { token: made.token, ...PURPOSE });
    assert.equal(gone.status, 404);
  });
});

it('starts with as many instances at once as one likes, on an empty database', async () => {
  const empty = await createTestDatabase();
  const rootKey = Buffer.alloc(32, 9);
  const options = { databaseUrl: empty.serviceUrl, rootKey };
  const services = await Promise.all(Array.from({ length: 4 }, () => startTestService(options)));
  try {
    const answers = await Promise.all(
      services.map((service) => service.post('app', 'tokenize', VALUE)),
    );
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers[0]?.status, 200);
    const { rows } = await withClient(empty.ownerUrl, (client) =>
      client.query('select count(*)::int as n from policy_version'),
    );
    assert.equal(rows[0].n, 1);
  } finally {
    await Promise.all(services.map((service) => service.close()));
    await empty.drop();
  }
});

/** Waits until the vault holds this many tokens. */
async function untilTokens(ownerUrl: string, wanted: number): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    for (;;) {
      const { rows } = await client.query('select count(*)::int as n from token');
      if (rows[0].n >= wanted) return;
      await sleep(10);
    }
  });
}

it('finishes the requests in flight before it closes, and takes no more', async () => {
  const own = await createTestDatabase();
  const service = await startTestService({ databaseUrl: own.serviceUrl });
  try {
    await service.post('app', 'tokenize', VALUE);
    // The log is locked for a moment, so that these are in flight when the service is told to close.
    const release = await lockLog(own.ownerUrl);
    const requests = Array.from({ length: 40 }, (_, index) =>
      service.post('app', 'tokenize', { field: 'name', value: `person ${index}` }),
    );
    // All of them have done their work, and wait for the log.
    await untilTokens(own.ownerUrl, 41);
    const closed = service.close();
    await sleep(50);
    await release();
    const answers = await Promise.all(requests);
    const answeredMs = performance.now();
    await closed;
    assert.ok(performance.now() - answeredMs < 8_000, 'it waits for clients to hang up');
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const ids = new Set((await readLeaves(own.ownerUrl)).map(({ leaf }) => leaf.id));
    for (const { headers } of answers) assert.ok(ids.has(headers.get('audit-event-id') ?? ''));
    await assert.rejects(service.post('app', 'tokenize', VALUE), 'it still listens');
    await assertNoConnections(own.ownerUrl);
  } finally {
    await own.drop();
  }
});

it('closes although a client holds a connection open and sends nothing', async () => {
  const own = await createTestDatabase();
  const service = await startTestService({ databaseUrl: own.serviceUrl });
  const { hostname, port } = new URL(service.http);
  const idle = connect(Number(port), hostname);
  idle.on('error', () => {});
  try {
    await once(idle, 'connect');
    const startedMs = performance.now();
    await service.close();
    assert.ok(performance.now() - startedMs < 20_000);
  } finally {
    idle.destroy();
    await own.drop();
  }
});

it('says at its end in the log that it has ended', async () => {
  const own = await createTestDatabase();
  const service = await startTestService({ databaseUrl: own.serviceUrl });
  await service.post('app', 'tokenize', VALUE);
  await service.close();
  const leaves = await readLeaves(own.ownerUrl);
  const last = new Map(leaves.map(({ boot, leaf }) => [boot, leaf['op']]));
  assert.deepEqual(new Set(last.values()), new Set(['audit.writer.stop']));
  await own.drop();
});

/** Holds off every writer of the audit log, for less than they wait for a lock. */
async function lockLog(ownerUrl: string): Promise<() => Promise<void>> {
  const gate = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const held = withClient(ownerUrl, async (client) => {
    await client.query('begin; lock table audit_pending in share mode');
    locked.resolve();
    await gate.promise;
    await client.query('rollback');
  });
  await locked.promise;
  return () => {
    gate.resolve();
    return held;
  };
}

async function assertNoConnections(ownerUrl: string): Promise<void> {
  const { rows } = await withClient(ownerUrl, (client) =>
    client.query(`select application_name from pg_stat_activity
      where datname = current_database() and application_name like 'counterfoil%'`),
  );
  assert.deepEqual(rows, []);
}
