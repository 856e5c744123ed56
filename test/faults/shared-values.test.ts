import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { luhnSum } from '../../src/domain/values/luhn.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

const CALLERS = 64;
const PER_CALLER = 1_000;
const BATCH = 100;
/** A busy machine may be slow, but not wrong: what may be tried again is, for so long. */
const TRY_FOR_MS = 240_000;

// Three instances of one deployment: the same database and root key, nothing else in common.
let database: TestDatabase;
const services: TestService[] = [];
before(async () => {
  database = await createTestDatabase();
  const databaseUrl = database.serviceUrl;
  const first = await startTestService({ databaseUrl });
  services.push(first);
  for (let more = 0; more < 2; more += 1) {
    services.push(await startTestService({ databaseUrl, rootKey: first.rootKey }));
  }
});
const stop = async () => {
  for (const service of services.splice(0)) await service.close();
};
after(async () => {
  await stop();
  await database?.drop();
});

type Item = { field: string; value: string };
type Answer = { token?: string; error?: { code: string; retryable: boolean } };

/** Every second one a card number, whose tokens are few and must not repeat; the others e-mail addresses. */
function itemOf(index: number): Item {
  if (index % 2 === 0) return { field: 'email', value: `person-${index}@example.com` };
  const digits = `411111${String(index * 7_919).padStart(9, '0')}`;
  return { field: 'pan', value: `${digits}${(10 - luhnSum(`${digits}0`)) % 10}` };
}

function shuffled(numbers: readonly number[]): number[] {
  return numbers
    .map((number) => ({ number, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ number }) => number);
}

/** The tokens of these values by their index; what may be tried again is. */
async function tokensOf(caller: number, indices: readonly number[]): Promise<Map<number, string>> {
  const service = services[caller % services.length] ?? assert.fail();
  const tokens = new Map<number, string>();
  let left = [...indices];
  const endsAt = Date.now() + TRY_FOR_MS;
  while (left.length > 0) {
    assert.ok(Date.now() < endsAt, `${left.length} values have no token`);
    left = await answered(service, left, tokens);
    if (left.length > 0) await sleep(250 + 500 * Math.random());
  }
  return tokens;
}

/** Sends one batch, notes the tokens, and tells what is to be sent again. */
async function answered(
  service: TestService,
  indices: readonly number[],
  tokens: Map<number, string>,
): Promise<number[]> {
  const { status, body, text } = await service.post('app', 'tokenize/batch', {
    items: indices.map(itemOf),
  });
  if (status === 503) return [...indices];
  assert.equal(status, 200, text);
  return indices.filter((index, at) => {
    const { token, error }: Answer = body.items[at];
    if (token !== undefined) tokens.set(index, token);
    else assert.ok(error?.retryable, error?.code ?? 'no answer');
    return token === undefined;
  });
}

/** All that one caller asks for: half of it the next caller asks for, too, each in an order of its own. */
async function runCaller(caller: number): Promise<Map<number, string>> {
  const first = caller * (PER_CALLER / 2);
  const mine = shuffled(Array.from({ length: PER_CALLER }, (_, at) => first + at));
  const batches = Array.from({ length: PER_CALLER / BATCH }, (_, at) =>
    mine.slice(at * BATCH, (at + 1) * BATCH),
  );
  const tokens = new Map<number, string>();
  for (const batch of batches) {
    for (const [index, token] of await tokensOf(caller, batch)) tokens.set(index, token);
  }
  return tokens;
}

it('gives 64 callers of three instances, whose values overlap by half, one token for each value', async () => {
  const answers = await Promise.all(Array.from({ length: CALLERS }, (_, at) => runCaller(at)));
  const byValue = new Map<number, string>();
  for (const [index, token] of answers.flatMap((tokens) => [...tokens])) {
    assert.equal(byValue.get(index) ?? token, token, 'a value has two tokens');
    byValue.set(index, token);
  }
  const values = (CALLERS + 1) * (PER_CALLER / 2);
  assert.equal(byValue.size, values);
  assert.equal(new Set(byValue.values()).size, values, 'two values share a token');
  // Ended connections have handed in their statistics.
  await stop();
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query(`select count(*)::int as rows,
      (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks
      from token where fp_even is not null or fp_odd is not null`),
  );
  assert.deepEqual(rows, [{ rows: values, deadlocks: 0 }]);
});
