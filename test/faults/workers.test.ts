import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, workersOf } from '../helpers/worker-pids.ts';
import { makeCallers } from './callers.ts';
import { type Cluster, type Instance, openCluster } from './serve-cluster.ts';
import { assertLogged, readWholeLog, saidBy, waitFor, waitUntilPublished } from './whole-log.ts';

// Workers of one service that are killed under load: what was acknowledged stays, and the rest goes on.

const KILLS = 3;
const BETWEEN_KILLS_MS = 1_500;

let cluster: Cluster;
let instance: Instance;
before(async () => {
  cluster = await openCluster();
  instance = await cluster.start('two', { env: { COUNTERFOIL_WORKERS: '2' } });
});
after(() => cluster?.close());

const isReady = async () => (await fetch(`${instance.admin}/readyz`)).status === 200;

/** Kills one worker after the other; each is replaced before the next one's turn. */
async function killWorkers(isEnough: () => boolean): Promise<number[]> {
  const killed: number[] = [];
  while (killed.length < KILLS || !isEnough()) {
    await sleep(BETWEEN_KILLS_MS);
    const workers = workersOf(instance.pid);
    const victim = workers[killed.length % workers.length] ?? assert.fail('nobody is there');
    process.kill(victim, 'SIGKILL');
    killed.push(victim);
    await waitFor('it is gone', () => !isRunning(victim));
    await waitFor('all workers serve again', isReady);
  }
  return killed;
}

it('loses no event that a caller was told of when a worker is killed, and goes on', async (t) => {
  const callers = makeCallers(() => instance);
  const isEnough = () => callers.ledger.heard.length > 200 && callers.ledger.lost > 0;
  const killed = await callers.callDuring(() => killWorkers(isEnough));
  const { heard, lost, wrong } = callers.ledger;
  t.diagnostic(`${killed.length} kills, ${heard.length} events acknowledged, ${lost} lost calls`);
  assert.deepEqual(wrong, []);
  await waitUntilPublished(cluster.database.ownerUrl);
  const shards = await readWholeLog(cluster.database);
  assertLogged(
    shards,
    heard.map(({ eventId }) => eventId),
  );
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
  for (const shard of shards) assert.deepEqual((await shard.verify()).findings, []);

  const ends = instance.lines().filter(({ event }) => event === 'worker_ended');
  assert.equal(ends.length, killed.length);
  const text = await (await fetch(`${instance.admin}/metrics`)).text();
  assert.match(text, new RegExp(`^counterfoil_workers_ended_total ${killed.length}$`, 'm'));
  assert.match(text, /^counterfoil_workers_serving 2$/m);
  const { code } = await instance.end('SIGTERM');
  assert.equal(code, 0);
});
