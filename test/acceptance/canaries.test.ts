import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachOf, type RawAnswer, send, sendBytes } from '../helpers/canary-client.ts';
import { makeControl } from '../helpers/canary-control.ts';
import {
  adminUrlOf,
  dumpDatabase,
  OUTAGES,
  type Place,
  readFiles,
  runAsAdmin,
} from '../helpers/canary-places.ts';
import {
  brokenBodies,
  brokenHttp,
  invalidValues,
  oddHeaders,
  oddTargets,
  type Planting,
  refusedCalls,
  unknownMembers,
  VALID_KINDS,
  wrongMembers,
} from '../helpers/canary-requests.ts';
import { makeSearcher } from '../helpers/canary-search.ts';
import { type CanaryKind, makeCanaryCage } from '../helpers/canary-values.ts';
import { type DevInstance, runCli, startDev } from '../helpers/dev-instance.ts';

// The program as a person starts it, with the log at its loudest, gets secrets through every path
// there is; then everything that it wrote is searched for them, in every spelling. Card codes (3
// digits) and dates are not planted as valid values: there are so few that they stand everywhere.

const PURPOSE = 'support-ticket';
const PER_KIND = 24;

const cage = makeCanaryCage();
const make = cage.make;
const control = makeControl();

let dataDir: string;
let instance: DevInstance;
let adminUrl: string;
const answers: { name: string; bytes: Buffer }[] = [];
const places: Place[] = [];

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cf-canaries-'));
  instance = await startDev({ dataDir, env: { COUNTERFOIL_LOG_LEVEL: 'debug' } });
  adminUrl = await adminUrlOf(dataDir);
});

after(async () => {
  await instance?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Sends one request; its answer must not repeat what was in it, unless it is a reveal. */
async function ask(planting: Planting, reveals = false): Promise<RawAnswer> {
  const token = instance.tokens[planting.role];
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await send(instance.http, {
    ...planting,
    headers: { ...authorization, ...planting.headers },
  });
  if (!reveals) answers.push({ name: `answer to ${planting.target}`, bytes: answer.bytes });
  return answer;
}

async function call(
  role: string,
  path: string,
  body: object,
  more: { reveals?: boolean; headers?: Record<string, string> } = {},
) {
  const answer = await ask(
    {
      target: `/v1/vaults/demo/${path}`,
      headers: { 'content-type': 'application/json', ...more.headers },
      body: JSON.stringify(body),
      role,
    },
    more.reveals,
  );
  return { status: answer.status, body: JSON.parse(answer.body) };
}

type Item = {
  field: string;
  value: string;
  subject?: string;
  metadata?: object;
  expiresAt?: string;
};
type Stored = { item: Item; token: string };

function validItem(field: string, kind: CanaryKind): Item {
  return {
    field,
    value: make(kind),
    subject: make('plain'),
    metadata: { [make('email')]: { [make('identifier')]: [make('note'), make('pan')] } },
  };
}

/** Valid values of every field, alone and in batches; gives those that were stored. */
async function plantValid(): Promise<Stored[]> {
  const pairs = Object.entries(VALID_KINDS).flatMap(([field, kinds]) =>
    kinds.map((kind) => ({ field, kind })),
  );
  const stored: Stored[] = [];
  await eachOf(pairs, async ({ field, kind }) => {
    for (let count = 0; count < PER_KIND / 2; count += 1) {
      const item = validItem(field, kind);
      const { status, body } = await call('app', 'tokenize', item);
      assert.equal(status, 200, `${field} refuses a valid ${kind}`);
      stored.push({ item, token: body.token });
    }
    const items = Array.from({ length: PER_KIND / 2 }, () => validItem(field, kind));
    const { body } = await call('app', 'tokenize/batch', { items });
    stored.push(...items.map((item, index) => ({ item, token: body.items[index].token })));
  });
  return stored;
}

test('secrets go in by every valid path, and come back to whoever may see them', async () => {
  const stored = await plantValid();
  const half = stored.length / 2;
  const context = () => ({ purpose: PURPOSE, reference: make('plain') });
  await eachOf(stored, async ({ item, token }) => {
    const asked = { token, ...context() };
    // What is evidence goes on record: whoever reads the log with its keys must see it.
    const headers = { 'user-agent': make('plain') };
    const shown = await call('supervisor', 'detokenize', asked, { reveals: true, headers });
    assert.equal(shown.status, 200);
    assert.ok(cage.formsOf(item.value).includes(shown.body.value));
    await call('support', 'detokenize', { ...asked, view: 'masked' });
    await call('app', 'lookup', { field: item.field, value: item.value });
    const seen = await call('supervisor', 'tokens/inspect', { token }, { reveals: true });
    assert.deepEqual(seen.body.metadata ?? item.metadata, item.metadata);
  });
  const tokens = stored.map(({ token }) => token);
  await call('supervisor', 'detokenize/batch', { tokens, ...context() }, { reveals: true });
  const { body } = await call('app', 'tokens/revoke', { tokens: tokens.slice(half) });
  assert.equal(body.revoked, stored.length - half);
  await eachOf(stored.slice(half, half + 40), async ({ item, token }) => {
    const gone = await call('supervisor', 'detokenize', { token, ...context() });
    assert.equal(gone.status, 404);
    await call('app', 'tokenize', item);
  });
  const expiresAt = new Date(Date.now() + 1000).toISOString();
  await eachOf(Array.from({ length: 16 }), async () => {
    const { body: made } = await call('app', 'tokenize', {
      ...validItem('note', 'note'),
      expiresAt,
    });
    await sleep(1500);
    const gone = await call('supervisor', 'detokenize', { token: made.token, ...context() });
    assert.equal(gone.status, 404);
  });
});

test('secrets go in by every path that is refused, malformed or unknown', async () => {
  const plantings = [
    ...invalidValues(make),
    ...wrongMembers(make),
    ...unknownMembers(make),
    ...brokenBodies(make),
    ...oddTargets(make),
    ...oddHeaders(make),
    ...refusedCalls(make),
  ];
  await eachOf(plantings, async (planting) => {
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
    const { body } = await call('app', 'tokenize', validItem('email', 'email'));
    await runAsAdmin(adminUrl, { database, sql: begin });
    try {
      await eachOf(['email', 'pan', 'name', 'note', 'ssn'] as const, async (field) => {
        const [kind] = VALID_KINDS[field];
        await call('app', 'tokenize', validItem(field, kind));
        await call('app', 'tokenize/batch', { items: [validItem(field, kind)] });
        await call('app', 'lookup', { field, value: make(kind) });
        const asked = { token: body.token, purpose: PURPOSE, reference: make('plain') };
        // Where only writes fail, this is a reveal like any other.
        await call('supervisor', 'detokenize', asked, { reveals: true });
        await call('support', 'tokenize', validItem(field, kind));
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

/**
 * The record with its disclosures opened, as an operator with the keys reads it. What the caller gave as
 * evidence (name, user agent, reference) is meant to stand there, and is taken out.
 */
async function openedRecord(): Promise<Place> {
  const tail = await runCli(['audit', 'tail', '--limit', '10000', '--json'], { dataDir });
  assert.equal(tail.code, 0, tail.stderr);
  let evidence = 0;
  const text = JSON.stringify(
    tail.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    (key, value) => {
      if (!['sub', 'ua', 'reference'].includes(key)) return value;
      evidence += cage.formsOf(value).length;
      return '(evidence)';
    },
  );
  assert.ok(evidence > 500, 'the record has the evidence that callers gave');
  return { name: 'opened record', bytes: Buffer.from(text) };
}

test('none of them stands anywhere: not in logs, metrics, records, tables or files', async () => {
  const { bytes: metrics } = await send(instance.admin, { method: 'GET', target: '/metrics' });
  places.push({ name: 'metrics', bytes: metrics }, await openedRecord());
  await runAsAdmin(adminUrl, { database: 'counterfoil', sql: ['analyze'] });
  await control.plant({ adminUrl, dataDir });
  places.push(...(await dumpDatabase(adminUrl)));
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
