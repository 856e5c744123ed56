import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import type { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { readPolicy } from '../../src/app/policy-files.ts';
import { openVaults } from '../../src/app/vaults.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import type { AuditEvent } from '../../src/domain/audit/event.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { openKeysets } from '../helpers/keysets.ts';

const document = (fields: string, vault = 'demo') => `
apiVersion: counterfoil/v1
vault: ${vault}
fields:
  other: { class: none, type: text }
${fields}
roles:
  app: [{ allow: [tokenize], fields: '*' }]
`;
const field = (token: string, rest = '') =>
  document(`  f: { class: direct, type: digits, length: [12, 19], token: { ${token} }${rest} }`);

const RANDOM = field('mode: random');
const DETERMINISTIC = field('mode: deterministic, format: digits');
const FPE = field('mode: fpe, format: digits');
const SIV = field('mode: siv');
const VOLATILE = field('mode: volatile');
const WITHOUT = document('');

let database: TestDatabase;
let pool: Pool;
let keysets: Keysets;
let events: AuditEvent[];
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 10, name: 'test' });
  keysets = await openKeysets(pool);
});
after(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  events = [];
  await execute('truncate policy_version, token, tombstone cascade');
});

const execute = (sql: string, values: unknown[] = []) =>
  withClient(database.ownerUrl, async (client) => (await client.query(sql, values)).rows);

/** An instance of the service starts with these documents; `meanwhile` happens once its own checks are over. */
async function start(texts: readonly string[], meanwhile?: () => Promise<unknown>) {
  const append = async (event: AuditEvent) => {
    events.push(event);
    if (event.operation === 'policy.load' && event.outcome === 'allow') await meanwhile?.();
    return { eventId: 'event' };
  };
  const deps = {
    database: { pool, clock },
    keysets,
    audit: { append },
    vaultIds: new Map<string, number>(),
    logger: { info: () => {}, warn: () => {} },
  };
  return openVaults(deps, texts.map(readPolicy));
}

/** The lines that a start is refused with. */
async function refusalOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => new Error('it started'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof VaultError && error.code === 'policy_conflict', String(error));
  return error.problems.map(({ path, rule, hint }) => `${path} ${rule} ${hint}`);
}

const versions = async () =>
  (await execute('select document from policy_version order by version')).map(
    (row) => row.document,
  );

const place = `
  select 3, v.id, $1, f.id from vault v join field f on f.vault_id = v.id
  where v.name = 'demo' and f.name = 'f'`;
const leaveToken = () =>
  execute(
    `insert into token (shard, vault_id, token, field_id, sealed)
    select place.*, decode(repeat('01', 61), 'hex') from (${place}) place`,
    ['tok_1'],
  );
const leaveTombstone = () =>
  execute(
    `insert into tombstone (shard, vault_id, digest, field_id)
    ${place.replace('$1', 'decode(repeat($1, 16), $2)')}`,
    ['ab', 'hex'],
  );

it('a field without tokens can change its mode, and keeps its id', async () => {
  const before = await start([RANDOM]);
  const after = await start([DETERMINISTIC]);
  assert.equal(after.find('demo')?.policy.fields.get('f')?.token.mode, 'deterministic');
  assert.deepEqual(after.find('demo')?.fieldIds, before.find('demo')?.fieldIds);
  assert.deepEqual(await versions(), [RANDOM, DETERMINISTIC]);
});

it('a field with a token, or the memory of one, cannot: the refusal names vault, field and change', async () => {
  for (const leave of [leaveToken, leaveTombstone]) {
    await execute('truncate policy_version, token, tombstone cascade');
    await start([RANDOM]);
    await leave();
    assert.deepEqual(await refusalOf(start([FPE])), [
      'vault demo: fields.f.token.mode field_changed from random to fpe, while tokens of it can exist: ' +
        'declare a new field',
      'vault demo: fields.f.token.format field_changed from opaque prefix=tok to digits keepFirst=0 ' +
        'keepLast=0, while tokens of it can exist: declare a new field',
    ]);
    assert.deepEqual(await versions(), [RANDOM]);
    // What tokens do not depend on can still change.
    await start([field('mode: random', ', retention: { ttl: 1d }')]);
  }
  const refused = events.filter(({ outcome }) => outcome === 'error');
  assert.deepEqual(
    refused.map(({ operation, vault, reason, status }) => [operation, vault, reason, status]),
    Array(2).fill(['policy.load', 'demo', 'policy_conflict', 409]),
  );
});

it('tokens that are stored nowhere always count as existing', async () => {
  for (const [earlier, later] of [
    [FPE, RANDOM],
    [SIV, VOLATILE],
    [VOLATILE, DETERMINISTIC],
    [FPE, field('mode: fpe, format: digits, keepLast: 1')],
  ] as const) {
    await execute('truncate policy_version cascade');
    await start([earlier]);
    assert.ok((await refusalOf(start([later]))).length > 0);
    assert.deepEqual(await versions(), [earlier]);
  }
});

it('leaving a field out for a while is no way to change it', async () => {
  await start([FPE]);
  await start([WITHOUT]);
  assert.match((await refusalOf(start([RANDOM])))[0] ?? '', /from fpe to random/);
  await start([`${FPE}# again\n`]);
  assert.equal((await versions()).length, 3);
});

it('of several documents all are applied or none, and all their conflicts are told at once', async () => {
  const others = [RANDOM, FPE].map((text) => text.replace('vault: demo', 'vault: another'));
  await start([FPE, others[1] ?? '']);
  const lines = await refusalOf(start([RANDOM, others[0] ?? '', document('', 'third')]));
  const named = new Set(lines.map((line) => line.split(':')[0]));
  assert.deepEqual([...named], ['vault demo', 'vault another']);
  assert.equal((await versions()).length, 2);
  assert.deepEqual(await execute(`select from vault where name = 'third'`), []);
});

it('a document that another instance overtakes is checked against that one', async () => {
  await start([WITHOUT]);
  const overtaken = start([RANDOM], () => start([FPE]));
  assert.match((await refusalOf(overtaken))[0] ?? '', /from fpe to random/);
  assert.deepEqual(await versions(), [WITHOUT, FPE]);
  const outcomes = events.map(({ outcome }) => outcome).slice(-3);
  assert.deepEqual(outcomes, ['allow', 'allow', 'error'], 'the log tells that it was not applied');
});

it('of racing documents that cannot follow each other one is applied, the others are refused', async () => {
  for (let round = 0; round < 5; round += 1) {
    // The field is new to all of them: not even its id is known yet.
    await execute('truncate policy_version, field cascade');
    const texts = [FPE, SIV, VOLATILE, FPE, SIV];
    const starts = await Promise.allSettled(texts.map((text) => start([text])));
    const [applied, ...more] = await versions();
    assert.deepEqual(more, []);
    for (const [index, { status }] of starts.entries()) {
      assert.equal(status, texts[index] === applied ? 'fulfilled' : 'rejected');
    }
  }
});

it('racing documents that can follow each other are all applied, one after another', async () => {
  const texts = [RANDOM, DETERMINISTIC, WITHOUT, field('mode: random, prefix: abc')];
  await Promise.all(texts.map((text) => start([text])));
  assert.deepEqual((await versions()).toSorted(), texts.toSorted());
});

it('a vault without a document gets the keys that it lacks', async () => {
  await start([WITHOUT]);
  await execute(`delete from key_version k using vault v
    where v.id = k.vault_id and v.name = 'demo' and k.purpose = 'join'`);
  await start([]);
  const rows = await execute(`select k.purpose from key_version k join vault v on v.id = k.vault_id
    where v.name = 'demo' and k.purpose = 'join'`);
  assert.equal(rows.length, 1);
});
