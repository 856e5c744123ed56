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
import { backUp, restore } from '../helpers/database-copies.ts';
import { ROOT } from '../helpers/dev-instance.ts';
import { runProgram } from '../helpers/process.ts';
import { type Cluster, type Instance, ORIGIN, openCluster } from './serve-cluster.ts';
import { readWholeLog, saidBy, type WholeShard, waitFor, waitUntilPublished } from './whole-log.ts';

// A database that is put back to an older state under two instances, which go on running.

const YEAR = new Date().getUTCFullYear();
const OLD = `${ORIGIN}/${YEAR}`;
const NEW = `${OLD}-2`;
const NEXT = `${OLD}-3`;
const TALK_MS = 100;
/** A writer may have nothing to say until its heartbeat, after 60 s; then a hole is waited for, 30 s. */
const GAP_WITHIN_MS = 120_000;

let cluster: Cluster;
let folder: string;
let services: Instance[];
/** Numbers that the roll-back took out of the log. */
let lost: string[];
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

const metricsOf = async ({ admin }: Instance) => (await fetch(`${admin}/metrics`)).text();

const headsOf = (origin: string) =>
  Promise.all(services.map(({ headFolder }) => makeFileHeadStore(headFolder).read(origin)));

/** What was signed last of a shard, when every instance remembers it. */
async function signedLast(origin = OLD) {
  await waitUntilPublished(cluster.database.ownerUrl);
  const size = (await readWholeLog(cluster.database)).at(-1)?.size;
  await waitFor('all remember it', async () =>
    (await headsOf(origin)).every((head) => head?.size === size),
  );
  const [head] = await headsOf(origin);
  assert(head !== undefined);
  return head;
}

/** Waits until no instance would bring an event again: each has seen all of its own in the tree. */
async function waitUntilLetGo(): Promise<void> {
  for (const service of services) {
    await waitFor('it has seen its events in the tree', async () =>
      /counterfoil_audit_unintegrated_events 0\n/.test(await metricsOf(service)),
    );
  }
}

/** Writers' numbers in these leaves, each as `<boot id> <number>`. */
const numbersIn = (leaves: WholeShard['leaves']) =>
  leaves.flatMap(({ w }) => (w === undefined ? [] : [w.join(' ')]));

/** The numbers that gap leaves name. */
const numbersTold = (shards: WholeShard[]) =>
  saidBy(shards, 'audit.gap').flatMap(({ attr }) => {
    const { boot, from, to } = attr as { boot: string; from: number; to: number };
    return Array.from({ length: to - from + 1 }, (_, place) => `${boot} ${from + place}`);
  });

it('freezes the shard, goes on serving, and cites in the next one what was signed of the old one', async () => {
  await tokenizeAll(5);
  const kept = await signedLast();
  await backUp(cluster.database.ownerUrl);
  await waitFor('all answer', async () => (await tokenize(services[0] as Instance)).status === 200);
  await waitFor('all answer', async () => (await tokenize(services[1] as Instance)).status === 200);
  await tokenizeAll(5);
  const signed = await signedLast();
  await waitUntilLetGo();
  lost = numbersIn((await readWholeLog(cluster.database))[0]?.leaves.slice(kept.size) ?? []);
  assert.ok(lost.length >= 10);
  await restore(cluster.database.ownerUrl);

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
  await waitFor('operators are told', () => {
    const told = services.flatMap((service) => service.lines()).map(({ event }) => event);
    return ['audit_log_went_backwards', 'audit_shard_replaced'].every((name) =>
      told.includes(name),
    );
  });
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
  assert.deepEqual((await old?.verify())?.findings, []);
  for (const service of services) {
    await waitFor('its metrics tell', async () =>
      /counterfoil_audit_frozen 1\n/.test(await metricsOf(service)),
    );
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

it('tells of every number that was lost, each once, and of no other', async () => {
  await waitFor(
    'all are told of',
    async () => numbersTold(await readWholeLog(cluster.database)).length >= lost.length,
    GAP_WITHIN_MS,
  );
  const shards = await readWholeLog(cluster.database);
  assert.deepEqual(numbersTold(shards).sort(), lost.sort());
});

it('lets an auditor verify the new shard, and read in it how many events of the old one are missing', async () => {
  await waitUntilPublished(cluster.database.ownerUrl);
  const [, young] = await readWholeLog(cluster.database);
  const policy = join(folder, 'policy');
  await writeFile(policy, `log ${young?.vkey}\nquorum none\n`);
  const url = `${services[0]?.http}/v1/audit/log/${YEAR}-2`;
  const { code, stdout, stderr } = await runProgram(
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
  assert.deepEqual([code, stderr], [1, '']);
  const { opening, findings, log } = JSON.parse(stdout) as Report;
  assert.equal(log?.origin, NEW);
  assert.equal(opening?.previous?.origin, OLD);
  const grave = findings.filter(({ severity }) => severity !== 'notice');
  assert.deepEqual(
    grave.map(({ kind, severity, count }) => [kind, severity, count]),
    [
      ['opened_after_loss', 'alarm', 1],
      ['gap', 'alarm', lost.length],
    ],
  );
});

it('tells of the loss even when no writer is left that could, in the shard that it opens next', async () => {
  await tokenizeAll(1);
  const kept = await signedLast(NEW);
  await backUp(cluster.database.ownerUrl);
  for (const service of services) {
    await waitFor('it serves', async () => (await tokenize(service)).status === 200);
  }
  const signed = await signedLast(NEW);
  assert.ok(signed.size > kept.size);
  await Promise.all(services.map((service) => service.end('SIGKILL')));
  await restore(cluster.database.ownerUrl);
  services = [await cluster.start('0')];
  await waitFor('there is a new shard', async () =>
    (await get('log/active/checkpoint')).text.startsWith(`${NEXT}\n`),
  );
  const last = (await readWholeLog(cluster.database)).at(-1);
  const { findings, opening } = (await last?.verify()) ?? {};
  assert.equal(opening?.previous?.size, signed.size);
  assert.deepEqual(
    findings?.map(({ kind, severity }) => [kind, severity]),
    [['opened_after_loss', 'alarm']],
  );
});
