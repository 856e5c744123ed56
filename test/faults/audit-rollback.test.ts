import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import type { Report } from '../../src/verify/report.ts';
import { verifyReceiptFile } from '../../src/verify/verify-receipt.ts';
import { withClient } from '../helpers/database.ts';
import { ROOT } from '../helpers/dev-instance.ts';
import { runProgram } from '../helpers/process.ts';
import { type Cluster, type Instance, ORIGIN, openCluster } from './serve-cluster.ts';
import { readWholeLog, waitFor, waitUntilPublished } from './whole-log.ts';

// A database that is put back to an older state under two instances, which go on running.

const YEAR = new Date().getUTCFullYear();
const OLD = `${ORIGIN}/${YEAR}`;
const NEW = `${OLD}-2`;
const TALK_MS = 100;

let cluster: Cluster;
let folder: string;
let services: Instance[];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-rollback-'));
  cluster = await openCluster();
  services = await Promise.all([cluster.start('0'), cluster.start('1')]);
});
after(async () => {
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

const tokenize = (service: Instance, headers?: object) =>
  service.post('app', 'vaults/demo/tokenize', { field: 'name', value: 'Ada' }, headers);

async function tokenizeAll(times: number): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    for (const service of services) assert.equal((await tokenize(service)).status, 200);
  }
}

const get = async (path: string, token?: string) => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${services[0]?.http}/v1/audit/${path}`, { headers });
  return { status: response.status, text: await response.text() };
};

/** Runs statements from beside the database, while nobody is connected to it. */
async function whileEmpty(...statements: string[]): Promise<void> {
  const url = new URL(cluster.database.ownerUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  await withClient(url.href, async (admin) => {
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = '${name}'`);
    for (const statement of statements) await admin.query(statement.replaceAll('LIVE', name));
    await admin.query(`alter database ${name} allow_connections true`);
  });
}

const headsOf = (origin: string) =>
  Promise.all(services.map(({ headFolder }) => makeFileHeadStore(headFolder).read(origin)));

/** What was signed last, when every instance remembers it. */
async function signedLast() {
  await waitUntilPublished(cluster.database.ownerUrl);
  const size = (await readWholeLog(cluster.database))[0]?.size;
  await waitFor('all remember it', async () =>
    (await headsOf(OLD)).every((head) => head?.size === size),
  );
  const [head] = await headsOf(OLD);
  assert(head !== undefined);
  return head;
}

it('freezes the shard, goes on serving, and cites in the next one what was signed of the old one', async () => {
  await tokenizeAll(5);
  const kept = await signedLast();
  await whileEmpty('create database LIVE_kept template LIVE');
  await waitFor('all answer', async () => (await tokenize(services[0] as Instance)).status === 200);
  await waitFor('all answer', async () => (await tokenize(services[1] as Instance)).status === 200);
  await tokenizeAll(5);
  const signed = await signedLast();
  assert.ok(signed.size > kept.size);
  await whileEmpty(
    'alter database LIVE rename to LIVE_lost',
    'alter database LIVE_kept rename to LIVE',
    'drop database LIVE_lost',
  );

  for (const service of services) {
    await waitFor('it serves', async () => (await tokenize(service)).status === 200);
  }
  await waitFor('there is a new shard', async () =>
    (await get('log/active/checkpoint')).text.startsWith(`${NEW}\n`),
  );
  const [old, young] = await readWholeLog(cluster.database);
  assert.deepEqual([old?.origin, old?.state, young?.origin], [OLD, 'frozen', NEW]);
  const { previous } = (await young?.verify())?.opening ?? {};
  const { size, root } = signed;
  assert.deepEqual(previous, { origin: OLD, size, root: root.toString('base64') });
  const told = services.flatMap((service) => service.lines()).map(({ event }) => event);
  assert.ok(told.includes('audit_log_went_backwards') && told.includes('audit_shard_replaced'));
});

it('signs nothing more of the old shard, and still serves what was published of it', async () => {
  const before = await get(`log/${YEAR}/checkpoint`);
  assert.equal(before.status, 200);
  assert.match(before.text, new RegExp(`^${OLD}\n`));
  await tokenizeAll(2);
  await sleep(3_000);
  assert.deepEqual(await get(`log/${YEAR}/checkpoint`), before);
  const [old] = await readWholeLog(cluster.database);
  assert.equal(old?.checkpoints.at(-1)?.note, before.text);
  for (const { findings } of [await old?.verify()].filter((report) => report !== undefined)) {
    assert.deepEqual(findings, []);
  }
  for (const service of services) {
    const metrics = await (await fetch(`${service.admin}/metrics`)).text();
    assert.match(metrics, /counterfoil_audit_frozen 1\n/);
  }
});

it('gives receipts of the new shard once the log has told which numbers were lost', async () => {
  const [service] = services as [Instance];
  let url: string | null = null;
  await waitFor('an answer has a receipt', async () => {
    const { headers } = await tokenize(service, { prefer: 'audit=integrated' });
    url = headers.get('audit-receipt-url');
    await sleep(TALK_MS);
    return url !== null;
  });
  const path = String(url).replace('/v1/audit/', '');
  const receipt = await get(path, cluster.tokenFor('auditor'));
  assert.equal(receipt.status, 200, receipt.text);
  const [, young] = await readWholeLog(cluster.database);
  const policy = parsePolicy(`log ${young?.vkey}\nquorum none\n`);
  const { origin, leaf } = verifyReceiptFile(receipt.text, policy);
  assert.deepEqual([origin, leaf.op], [NEW, 'tokenize']);
});

it('lets an auditor verify the new shard, and read in it that events of the old one are missing', async () => {
  const [, young] = await readWholeLog(cluster.database);
  const policy = join(folder, 'policy');
  await writeFile(policy, `log ${young?.vkey}\nquorum none\n`);
  const url = `${services[0]?.http}/v1/audit/log/${YEAR}-2`;
  const { stdout, stderr } = await runProgram(
    [
      ...[process.execPath, join(ROOT, 'src/main.ts')],
      ...['audit', 'verify', url, '--policy', policy, '--json'],
    ],
    {
      env: {
        COUNTERFOIL_TOKEN: cluster.tokenFor('auditor'),
        COUNTERFOIL_URL: services[0]?.http ?? '',
      },
    },
  );
  assert.equal(stderr, '');
  const { opening, findings, log } = JSON.parse(stdout) as Report;
  assert.equal(log?.origin, NEW);
  assert.equal(opening?.previous?.origin, OLD);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'failed'),
    [],
  );
  assert.ok(findings.some(({ severity }) => severity === 'alarm'));
});
