import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { withClient } from '../helpers/database.ts';
import { type Cluster, type Instance, ORIGIN, openCluster } from './serve-cluster.ts';
import { assertLogged, readWholeLog, saidBy, waitFor, waitUntilPublished } from './whole-log.ts';

// A service whose clock jumps while it runs: into the next year, and back again.

const YEAR = new Date().getUTCFullYear();
const NEW_YEAR_MS = Date.UTC(YEAR + 1, 0, 1);
const MINUTE_MS = 60_000;

let cluster: Cluster;
let folder: string;
let service: Instance;
let wrongByMs = 0;
const heard: string[] = [];
const now = () => Date.now() + wrongByMs;

/** Sets the clock of all threads of the service, at once. */
function setClock(toMs: number): void {
  wrongByMs = toMs - Date.now();
  writeFileSync(join(folder, 'draft'), String(wrongByMs));
  renameSync(join(folder, 'draft'), join(folder, 'clock'));
}

/** The database's clock is right, so it makes no partitions for those days. */
async function addPartitions(): Promise<void> {
  await withClient(cluster.database.ownerUrl, async (owner) => {
    for (const startMs of [NEW_YEAR_MS - 1_440 * MINUTE_MS, NEW_YEAR_MS]) {
      const day = new Date(startMs).toISOString().slice(0, 10);
      const next = new Date(startMs + 1_440 * MINUTE_MS).toISOString().slice(0, 10);
      const name = `audit_pending_${day.replaceAll('-', '')}`;
      await owner.query(`create table if not exists ${name} partition of audit_pending
        for values from ('${day}') to ('${next}')`);
    }
  });
}

async function tokenize(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    const body = { field: 'name', value: `name ${turn}` };
    const { status, eventId } = await service.post('app', 'vaults/demo/tokenize', body);
    assert.equal(status, 200);
    heard.push(eventId ?? 'no event');
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-clock-'));
  cluster = await openCluster();
  await addPartitions();
  setClock(NEW_YEAR_MS - 10 * MINUTE_MS);
  service = await cluster.start('0', {
    main: join(import.meta.dirname, 'shifted-main.ts'),
    env: { TEST_CLOCK_FILE: join(folder, 'clock') },
    now,
  });
});
after(async () => {
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

it('ends the shard of a year and begins the next one without missing an event', async () => {
  await tokenize(5);
  setClock(NEW_YEAR_MS + 1_000);
  await tokenize(5);
  await waitFor(
    'the next shard is open',
    async () => (await readWholeLog(cluster.database)).length === 2,
  );
  await tokenize(5);
  await waitUntilPublished(cluster.database.ownerUrl);
  await waitFor('the last leaves of the old shard are published', async () => {
    const [old] = await readWholeLog(cluster.database);
    return old?.checkpoints.at(-1)?.size === old?.size;
  });
  const shards = await readWholeLog(cluster.database);
  const [old, young] = shards;
  assert.deepEqual(
    shards.map(({ shard, state }) => [shard, state]),
    [
      [String(YEAR), 'frozen'],
      [String(YEAR + 1), 'active'],
    ],
  );
  assert.equal(old?.leaves.at(-1)?.op, 'log.freeze');
  assertLogged(shards, heard);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
  for (const shard of shards) assert.deepEqual((await shard.verify()).findings, []);
  const { size, root } = old?.checkpoints.at(-1) ?? {};
  const previous = { origin: `${ORIGIN}/${YEAR}`, size, root: root?.toString('base64') };
  assert.deepEqual((await young?.verify())?.opening?.previous, previous);
  for (const shard of [YEAR, YEAR + 1]) {
    const response = await fetch(`${service.http}/v1/audit/log/${shard}/checkpoint`);
    assert.match(await response.text(), new RegExp(`^${ORIGIN}/${shard}\n`));
  }
});

it('goes on in the shard of the coming year when the clock goes back, and tells of it', async () => {
  await tokenize(3);
  setClock(NEW_YEAR_MS - 5 * MINUTE_MS);
  await tokenize(3);
  await waitFor('somebody tells', () =>
    service.lines().some(({ event, kind }) => event === 'audit_alarm' && kind === 'clock_back'),
  );
  await waitUntilPublished(cluster.database.ownerUrl);
  const metrics = await (await fetch(`${service.admin}/metrics`)).text();
  assert.match(metrics, /counterfoil_audit_alarms_total\{kind="clock_back"\} [1-9]/);
  const shards = await readWholeLog(cluster.database);
  assert.equal(shards.length, 2);
  assertLogged(shards, heard);
  const findings = await Promise.all(shards.map(async (shard) => (await shard.verify()).findings));
  assert.deepEqual(
    findings.flat().filter(({ severity }) => severity !== 'notice'),
    [],
  );
});
