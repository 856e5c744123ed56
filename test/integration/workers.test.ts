import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, it } from 'node:test';
import { type Cluster, type Instance, openCluster } from '../faults/serve-cluster.ts';
import { readWholeLog, saidBy, waitFor, waitUntilPublished } from '../faults/whole-log.ts';
import { withClient } from '../helpers/database.ts';
import { isRunning, workersOf } from '../helpers/worker-pids.ts';

// `counterfoil serve` by two processes, as an operator starts it.

const ENV = { COUNTERFOIL_WORKERS: '2' };
const CONNECTIONS = 12;

let cluster: Cluster;
let instance: Instance;
before(async () => {
  cluster = await openCluster();
  instance = await cluster.start('two', { env: ENV });
});
after(() => cluster?.close());

const sql = (text: string) =>
  withClient(cluster.database.ownerUrl, async (owner) => (await owner.query(text)).rows);

/** Tokenizes on a connection of its own; the status. */
async function tokenizeOnce(value: string): Promise<number | undefined> {
  const call = request(`${instance.http}/v1/vaults/demo/tokenize`, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${cluster.tokenFor('app')}`,
      'content-type': 'application/json',
    },
  });
  call.end(JSON.stringify({ field: 'name', value }));
  const [response] = await once(call, 'response');
  response.resume();
  return response.statusCode;
}

/** How many requests each worker has logged. */
function requestsByWorker(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { event, worker } of instance.lines()) {
    if (event === 'request') counts[String(worker)] = (counts[String(worker)] ?? 0) + 1;
  }
  return counts;
}

async function readMetric(line: string): Promise<number> {
  const text = await (await fetch(`${instance.admin}/metrics`)).text();
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1));
}

it('shares one port evenly: every worker gets as many connections as the other', async () => {
  for (let turn = 0; turn < CONNECTIONS; turn += 1) {
    assert.equal(await tokenizeOnce(`Ada ${turn}`), 200);
  }
  const half = CONNECTIONS / 2;
  await waitFor(
    'all requests are in the log',
    () => Object.values(requestsByWorker()).reduce((sum, count) => sum + count, 0) === CONNECTIONS,
  );
  assert.deepEqual(requestsByWorker(), { 1: half, 2: half });
});

it('adds up what the workers count, and says who holds how much memory', async () => {
  const labels = '{route="/v1/vaults/:vault/tokenize",method="POST",status="200"}';
  const count = `counterfoil_http_request_duration_seconds_count${labels}`;
  assert.equal(await readMetric(count), CONNECTIONS);
  assert.equal(await readMetric('counterfoil_workers_serving'), 2);
  for (const worker of [1, 2]) {
    const memory = `counterfoil_worker_resident_memory_bytes{worker="${worker}"}`;
    assert.ok((await readMetric(memory)) > 1e6);
  }
});

it('is ready when both workers are', async () => {
  const response = await fetch(`${instance.admin}/readyz`);
  assert.deepEqual(
    [response.status, await response.json()],
    [
      200,
      {
        status: 'ok',
        checks: { store: true, audit: true, keys: true, accepting: true, workers: true },
      },
    ],
  );
});

it('writes the log by both, without a hole, and puts a new policy on record once', async () => {
  await waitUntilPublished(cluster.database.ownerUrl);
  const [writers] = await sql(
    'select count(*)::int as n from audit_writer where next_seq > 0 and not closed',
  );
  assert.equal(writers.n, 2);
  const shards = await readWholeLog(cluster.database);
  assert.equal(shards.length, 1);
  for (const shard of shards) assert.deepEqual((await shard.verify()).findings, []);
  assert.equal(saidBy(shards, 'tokenize').length, CONNECTIONS);
  assert.equal(saidBy(shards, 'policy.load').length, 1);
  assert.equal(saidBy(shards, 'vault.create').length, 1);
});

it('announces itself once, and each of its workers by name', () => {
  const lines = instance.lines().filter(({ event }) => /listening$/.test(event));
  // Each process writes its own lines, when it has a few.
  const said = lines.map(({ event, worker, workers }) => `${event} ${worker ?? `of ${workers}`}`);
  assert.deepEqual(said.sort(), ['listening of 2', 'worker_listening 1', 'worker_listening 2']);
  assert.deepEqual(new Set(lines.map(({ http }) => http)), new Set([instance.http]));
});

it('finishes what is under way when it is stopped, and leaves no process behind', async () => {
  const workers = workersOf(instance.pid);
  assert.equal(workers.length, 2);
  await sql(`create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(1.5); return new; end $$;
    create trigger slow before insert on audit_pending for each row execute function slow()`);
  const answers = ['one', 'two'].map((name) => tokenizeOnce(name));
  await waitFor('both are at it', async () => {
    const [sleeping] = await sql(`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event = 'PgSleep'`);
    return sleeping.n === 2;
  });
  const { code, stderr } = await instance.end('SIGTERM');
  assert.deepEqual([code, stderr, await Promise.all(answers)], [0, '', [200, 200]]);
  assert.deepEqual(workers.filter(isRunning), []);
});
