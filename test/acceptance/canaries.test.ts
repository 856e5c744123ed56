import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachOf, send, sendBytes } from '../helpers/canary-client.ts';
import { makeControl } from '../helpers/canary-control.ts';
import {
  canaryPolicy,
  checkShown,
  type Item,
  isFindable,
  isRepeatable,
  isStored,
  isVolatile,
  tagOf,
  VALID_KINDS,
  VALID_PAIRS,
  validItem,
} from '../helpers/canary-items.ts';
import { revealingStream, validStream } from '../helpers/canary-lines.ts';
import {
  adminUrlOf,
  checkFilled,
  dumpDatabase,
  dumpRedis,
  OUTAGES,
  openedRecord,
  type Place,
  readFiles,
  runAsAdmin,
} from '../helpers/canary-places.ts';
import { wrongRequests } from '../helpers/canary-plantings.ts';
import { brokenHttp, isOwnToken, ownToken } from '../helpers/canary-requests.ts';
import { makeSearcher } from '../helpers/canary-search.ts';
import { makeCanarySession } from '../helpers/canary-session.ts';
import { makeCanaryCage } from '../helpers/canary-values.ts';
import { type DevInstance, runCli, startDev } from '../helpers/dev-instance.ts';
import { sharedRedisUrl } from '../helpers/redis.ts';

// The program as a person starts it, with the log at its loudest, gets secrets through every path
// there is; then everything that it wrote is searched for them, in every spelling. Card codes (3
// digits) and dates are not planted as valid values: there are so few that they stand everywhere.

const PURPOSE = 'support-ticket';
const PER_KIND = 24;

const cage = makeCanaryCage();
const make = cage.make;
const control = makeControl();

let dataDir: string;
let policies: string;
let instance: DevInstance;
let adminUrl: string;
const { answers, ask, call } = makeCanarySession(() => instance);
const places: Place[] = [];

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cf-canaries-'));
  policies = await mkdtemp(join(tmpdir(), 'cf-canaries-policy-'));
  await writeFile(join(policies, 'demo.yaml'), canaryPolicy());
  instance = await startDev({
    dataDir,
    env: {
      COUNTERFOIL_LOG_LEVEL: 'debug',
      COUNTERFOIL_POLICIES: policies,
      REDIS_URL: sharedRedisUrl(),
    },
  });
  adminUrl = await adminUrlOf(dataDir);
});

after(async () => {
  await instance?.stop();
  for (const folder of [dataDir, policies]) await rm(folder, { recursive: true, force: true });
});

type Stored = { item: Item; token: string };
const stored: Stored[] = [];

const context = () => ({ purpose: PURPOSE, reference: make('plain') });

test('secrets go in as values, subjects, metadata and keys of calls, alone and in batches', async () => {
  await eachOf(VALID_PAIRS, async ({ field, kind }) => {
    const newItem = () => validItem(make, field, kind);
    const headers = () => (isRepeatable(field) ? { 'idempotency-key': make('plain') } : {});
    for (let count = 0; count < PER_KIND / 2; count += 1) {
      const item = newItem();
      const { status, body } = await call('app', 'tokenize', item, { headers: headers() });
      assert.equal(status, 200, `${field} refuses a valid ${kind}`);
      stored.push({ item, token: body.token });
    }
    const items = Array.from({ length: PER_KIND / 2 }, newItem);
    const { body } = await call('app', 'tokenize/batch', { items }, { headers: headers() });
    stored.push(...items.map((item, index) => ({ item, token: body.items[index].token })));
  });
  const streamed = await ask(validStream(make));
  const lines = streamed.body.trimEnd().split('\n');
  assert.equal(lines.length, VALID_PAIRS.length);
  for (const line of lines) assert.match(line, /^\{"token":"/);
});

test('secrets go in under tokens of the caller’s own', async () => {
  const kinds = { email: 'email', name: 'name', iban: 'iban', customerId: 'customerId' } as const;
  const items = Object.entries(kinds).flatMap(([field, kind]) =>
    Array.from({ length: 8 }, () => ({
      ...validItem(make, field as keyof typeof kinds, kind),
      token: ownToken(),
    })),
  );
  const { body } = await call('app', 'tokens/import', { items });
  assert.deepEqual(
    body.items,
    items.map(({ token }) => ({ token })),
  );
  stored.push(...items.map(({ token, ...item }) => ({ item, token })));
});

test('a token shows of its value what its format keeps, and agrees elsewhere by chance only', () => {
  const drawn = stored.filter(({ token }) => !isOwnToken(token));
  checkShown(
    drawn.map(({ item: { field, value }, token }) => ({
      field,
      token,
      forms: cage.formsOf(value),
    })),
  );
});

test('secrets come back to whoever may see them', async () => {
  await eachOf(stored, async ({ item, token }) => {
    const { field, value, metadata } = item;
    const asked = { token, field, ...context() };
    // What is evidence goes on record: whoever reads the log with its keys must see it.
    const headers = { 'user-agent': make('plain') };
    const shown = await call('supervisor', 'detokenize', asked, { reveals: true, headers });
    assert.equal(shown.status, 200, `${field}: ${shown.body.code}`);
    assert.ok(cage.formsOf(value).includes(shown.body.value));
    await call('support', 'detokenize', { ...asked, view: 'masked' });
    const found = await call('app', 'lookup', { field, value });
    assert.equal(found.body.token, isFindable(field) ? token : undefined);
    const seen = await call('supervisor', 'tokens/inspect', { token }, { reveals: true });
    assert.deepEqual(seen.body.metadata, metadata);
    if (!isStored(field)) return;
    const hits = await call('privacy', 'tokens/search', { field, tags: tagOf(item) });
    assert.deepEqual(
      hits.body.items.map((hit: { token: string }) => hit.token),
      [token],
    );
  });
  const tokens = stored.map(({ item: { field }, token }) => ({ token, field }));
  await call('supervisor', 'detokenize/batch', { tokens, ...context() }, { reveals: true });
  const stream = await ask(revealingStream(tokens.slice(0, 50), context()), true);
  assert.equal(stream.body.match(/"value":/g)?.length, 50);
});

test('secrets go in of persons who are exported and erased', async () => {
  const persons = stored.filter(({ item }) => item.subject !== undefined).slice(0, 24);
  await eachOf(persons, async ({ item, token }) => {
    const { subject = '', field } = item;
    const all = await call('privacy', 'subjects/export', { subject }, { reveals: true });
    const [held] = all.body.fields[field];
    assert.ok(cage.formsOf(item.value).includes(held.value));
    const { body } = await call('privacy', 'subjects/erase', { subject });
    assert.equal(body.erased, 1);
    const gone = await call('supervisor', 'detokenize', { token, ...context() });
    assert.equal(gone.status, 404);
  });
});

test('secrets go in of tokens that end', async () => {
  const ending = stored.filter(({ item }) => isStored(item.field) || isVolatile(item.field));
  const tokens = ending.slice(ending.length / 2).map(({ token }) => token);
  const { body } = await call('app', 'tokens/revoke', { tokens });
  assert.ok(body.revoked > 100);
  await eachOf(ending.slice(-40), async ({ item, token }) => {
    const gone = await call('supervisor', 'detokenize', { token, ...context() });
    assert.equal(gone.status, 404);
    await call('app', 'tokenize', item);
  });
  const expiresAt = new Date(Date.now() + 1000).toISOString();
  await eachOf(Array.from({ length: 16 }), async () => {
    const item = { ...validItem(make, 'name', 'name'), expiresAt };
    const { body: made } = await call('app', 'tokenize', item);
    await sleep(1500);
    const gone = await call('supervisor', 'detokenize', { token: made.token, ...context() });
    assert.equal(gone.status, 404);
  });
});
test('secrets go in by every path that is refused, malformed or unknown', async () => {
  await eachOf(wrongRequests(make), async (planting) => {
    const { status } = await ask(planting);
    const isHuge = (planting.body?.length ?? 0) > 4 * 1024 * 1024;
    assert.ok(status < 500 && (status > 0 || isHuge), `${planting.target} answers ${status}`);
  });
  for (const bytes of brokenHttp(make)) {
    answers.push({ name: 'answer to garbage', bytes: await sendBytes(instance.http, bytes) });
    answers.push({
      name: 'admin answer to garbage',
      bytes: await sendBytes(instance.admin, bytes),
    });
  }
  for (const target of [
    `/metrics?${make('plain')}`,
    `/${make('plain')}`,
    `/livez/${make('plain')}`,
  ]) {
    const { bytes } = await send(instance.admin, { method: 'GET', target });
    answers.push({ name: 'admin answer', bytes });
  }
});

test('secrets go in as the name of a caller', async () => {
  for (const role of ['app', 'nobody']) {
    const { stdout } = await runCli(['dev-token', '--role', role, '--sub', make('email')], {
      dataDir,
    });
    const authorization = `Bearer ${stdout.trim()}`;
    const { status } = await call(
      role,
      'tokenize',
      { field: 'customerId', value: make('customerId') },
      { headers: { authorization } },
    );
    assert.equal(status, role === 'app' ? 200 : 404);
  }
});

for (const { name, database, begin, end } of OUTAGES) {
  test(`secrets go in while ${name}`, async () => {
    const { body } = await call('app', 'tokenize', validItem(make, 'email', 'email'));
    await runAsAdmin(adminUrl, { database, sql: begin });
    try {
      await eachOf(['email', 'pan', 'name', 'note', 'ssn'] as const, async (field) => {
        const [kind] = VALID_KINDS[field];
        await call('app', 'tokenize', validItem(make, field, kind));
        await call('app', 'tokenize/batch', { items: [validItem(make, field, kind)] });
        await call('app', 'lookup', { field, value: make(kind) });
        const asked = { token: body.token, purpose: PURPOSE, reference: make('plain') };
        // Where only writes fail, this is a reveal like any other.
        await call('supervisor', 'detokenize', asked, { reveals: true });
        await call('support', 'tokenize', validItem(make, field, kind));
      });
    } finally {
      await runAsAdmin(adminUrl, { database, sql: end });
    }
    await untilReady();
  });
}

async function untilReady(): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = await send(instance.admin, { method: 'GET', target: '/readyz' });
    if (status === 200) return;
    await sleep(50);
  }
  assert.fail('the service does not recover');
}

test('none of them stands anywhere: not in logs, metrics, records, tables or files', async () => {
  const { bytes: metrics } = await send(instance.admin, { method: 'GET', target: '/metrics' });
  places.push({ name: 'metrics', bytes: metrics }, await openedRecord(dataDir, cage));
  await runAsAdmin(adminUrl, { database: 'counterfoil', sql: ['analyze'] });
  await control.plant({ adminUrl, dataDir });
  const tables = await dumpDatabase(adminUrl);
  checkFilled(tables);
  places.push(...tables, await dumpRedis(sharedRedisUrl(), control.bytes));
  await runAsAdmin(adminUrl, { database: 'counterfoil', sql: ['checkpoint'] });
  // It exists only while the program runs.
  places.push({ name: 'dev.json', bytes: await readFile(join(dataDir, 'dev.json')) });
  const { stdout, stderr, code } = await instance.stop();
  assert.equal(code, 0);
  places.push(
    { name: 'standard output', bytes: Buffer.from(`${stdout}${control.line}`) },
    { name: 'standard error', bytes: Buffer.from(stderr) },
    ...(await readFiles(dataDir)),
  );
  const log = stdout.match(/"event":"request"/g)?.length ?? 0;
  assert.ok(log > answers.length / 2, 'the log was written and captured');

  const planted = cage.all();
  assert.ok(planted.length >= 1000);
  const search = makeSearcher([...planted.flatMap(({ forms }) => forms), ...control.texts]);
  const found = [...places, ...answers].flatMap(({ name, bytes }) =>
    search(bytes).map((hit) => ({ place: name, ...hit })),
  );
  control.checkFound(found);
  const secrets = new Set(planted.flatMap(({ forms }) => forms));
  assert.deepEqual(
    found.filter(({ text }) => secrets.has(text)),
    [],
  );
});
