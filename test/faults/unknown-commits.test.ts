import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { readUnbudgetedPolicy } from '../helpers/operations.ts';
import { startTestService, type TestService } from '../helpers/service.ts';
import { assertAudited, assertNothingLost, type Ledger, loadDuring, makeLedger } from './load.ts';
import { type AnswerLoser, startProxy } from './proxy.ts';

let database: TestDatabase;
let proxy: AnswerLoser;
let service: TestService;
const ledger: Ledger = makeLedger();
before(async () => {
  database = await createTestDatabase();
  proxy = await startProxy(database.serviceUrl);
  service = await startTestService({ databaseUrl: proxy.url, policies: [readUnbudgetedPolicy()] });
});
after(async () => {
  await service?.close();
  await proxy?.close();
  await database?.drop();
});

const sql = (text: string) => withClient(database.ownerUrl, (client) => client.query(text));
const countTokens = async (): Promise<number> =>
  (await sql('select count(*)::int as n from token')).rows[0].n;
const countEvents = async (): Promise<number> =>
  (await readLeaves(database.ownerUrl)).filter(({ leaf }) => !/writer/.test(String(leaf['op'])))
    .length;
const tokenize = (field: string, value: string) =>
  service.post('app', 'tokenize', { field, value });

/** What `post` answered, booked as acknowledged. */
function acknowledge(answer: Awaited<ReturnType<typeof tokenize>>, value: string): string {
  assert.equal(answer.status, 200, answer.text);
  const { token } = answer.body;
  ledger.issued.set(token, value);
  ledger.eventIds.push(answer.headers.get('audit-event-id') ?? 'no event');
  return token;
}

/** Names of the prepared statements whose COMMIT is lost; each request must still get one answer. */
const LOST_COMMITS = {
  'the insert of tokens': 'token-insert',
  'the insert of audit events': 'audit-insert',
};

for (const [what, statement] of Object.entries(LOST_COMMITS)) {
  it(`finds its own work again when the answer to ${what} is lost after the commit`, async () => {
    const [rows, events] = [await countTokens(), await countEvents()];
    const lost = proxy.lost();
    for (const field of ['email', 'name']) {
      const value = `${statement}-${field}@example.com`;
      proxy.loseAnswersTo(statement, 1);
      acknowledge(await tokenize(field, value), value);
    }
    assert.equal(proxy.lost(), lost + 2, 'no answer was lost');
    assert.equal(await countTokens(), rows + 2);
    assert.equal(await countEvents(), events + 2);
    await assertNothingLost(service, ledger);
  });
}

it('counts a revocation as its own when the answer to it is lost after the commit', async () => {
  const token = acknowledge(await tokenize('email', 'ends@example.com'), 'ends@example.com');
  const lost = proxy.lost();
  proxy.loseAnswersTo('token-revoke', 1);
  const { status, body } = await service.post('app', 'tokens/revoke', { tokens: [token] });
  assert.equal(proxy.lost(), lost + 1, 'no answer was lost');
  assert.deepEqual([status, body], [200, { revoked: 1 }]);
  ledger.issued.delete(token);
});

it('answers reads although their connection breaks', async () => {
  const token = acknowledge(await tokenize('email', 'read@example.com'), 'read@example.com');
  proxy.loseAnswersTo('token-find', 1);
  const ask = { token, purpose: 'support-ticket' };
  const { status, body } = await service.post('supervisor', 'detokenize', ask);
  assert.deepEqual([status, body.value], [200, 'read@example.com']);
});

for (const table of ['token', 'audit_pending']) {
  it(`looks again when the server warns about a commit to ${table}, and stores it once`, async () => {
    // Stands in for the warning of a cancelled wait for a standby, which has the same code.
    await sql(`create or replace function warn() returns trigger language plpgsql as
        $$ begin raise warning 'canceling wait'; return new; end $$;
      create trigger warn before insert on ${table} for each row execute function warn()`);
    const rows = await countTokens();
    const known = ledger.issued.size;
    const values = Array.from({ length: 20 }, (_, index) => `warned-${table}-${index}`);
    const confirmations = proxy.watchFor('counterfoil.confirm');
    const answers = await Promise.all(values.map((value) => tokenize('name', value)));
    await sql(`drop trigger warn on ${table}`);
    assert.ok(confirmations() > 0, 'the warned commit was taken for a success');
    // A doubt that could not be resolved in time is an error, never a guess.
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 200) acknowledge(answer, values[index] ?? '');
      else assert.equal(answer.status, 503, answer.text);
    }
    assert.ok(ledger.issued.size > known, 'every doubt was left to the callers');
    assert.equal(await countTokens(), rows + values.length);
    await assertNothingLost(service, ledger);
  });
}

it('keeps its promises while its connections are killed at random', async () => {
  const rows = await countTokens();
  const known = ledger.issued.size;
  let kills = 0;
  const run = () =>
    withClient(database.ownerUrl, async (client) => {
      for (let round = 0; round < 100; round += 1) {
        const { rowCount } = await client.query(`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'counterfoil%'
            and random() < 0.2`);
        kills += rowCount ?? 0;
        await sleep(Math.random() * 40);
      }
    });
  await loadDuring(service, ledger, { label: 'killed', run });
  assert.ok(kills > 20, 'hardly any connection was killed');
  await assertNothingLost(service, ledger);
  const kept = ledger.issued.size - known - ledger.revoked.size;
  const more = (await countTokens()) - rows;
  // Only a request that got an error may have left a row that nobody was told of; one is the probe's.
  assert.ok(more <= kept + ledger.doubtful + 1, 'a request left two rows');
  await service.close();
  await assertAudited(database.ownerUrl, ledger);
});
