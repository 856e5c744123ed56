import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFileHeadStore } from '../../src/adapters/file/heads.ts';
import { makeCallers } from './callers.ts';
import { type Cluster, type Instance, openCluster } from './serve-cluster.ts';
import { assertLogged, readWholeLog, saidBy, waitUntilPublished } from './whole-log.ts';

// Five processes on one database, under load, and one of them killed every moment. COUNTERFOIL_TEST_LONG=1
// makes a full minute of it.

const INSTANCES = 5;
const LOAD_MS = process.env['COUNTERFOIL_TEST_LONG'] === '1' ? 60_000 : 15_000;
const BETWEEN_KILLS_MS = 2_000;
const LEAST_KILLS = 4;

/** Lines that tell of evidence lost or altered: a kill is no reason for any of them. */
const GRAVE = new Set(['gap', 'altered_batch', 'altered_head', 'altered', 'lost']);
const CONTRADICTIONS = /^audit_(log_went_backwards|log_inconsistent|shard_replaced)$/;

let cluster: Cluster;
const running: Instance[] = [];
before(async () => {
  cluster = await openCluster();
  const names = Array.from({ length: INSTANCES }, (_, index) => String(index));
  running.push(...(await Promise.all(names.map((name) => cluster.start(name)))));
});
after(() => cluster?.close());

/**
 * Kills one after the other, at random, and has each start again, until the time is over and, however slow
 * the machine, enough has happened.
 */
async function killAtRandom(isEnough: () => boolean): Promise<number> {
  const untilMs = performance.now() + LOAD_MS;
  const starting = new Map<number, Promise<void>>();
  const restart = async (index: number): Promise<void> => {
    await running[index]?.end('SIGKILL');
    running[index] = await cluster.start(String(index));
    starting.delete(index);
  };
  let kills = 0;
  while (performance.now() < untilMs || kills < LEAST_KILLS || !isEnough()) {
    await sleep(Math.random() * 2 * BETWEEN_KILLS_MS);
    const index = Math.floor(Math.random() * INSTANCES);
    // Two are left to answer, however slowly the others start.
    if (!starting.has(index) && starting.size < INSTANCES - 2) {
      kills += 1;
      starting.set(index, restart(index));
    }
  }
  await Promise.all(starting.values());
  return kills;
}

it('logs every event that a client was told of exactly once, while instances are killed', async (t) => {
  const callers = makeCallers((place) => running[place % INSTANCES] as Instance);
  const isEnough = () => callers.ledger.heard.length > 200 && callers.ledger.lost > 0;
  const kills = await callers.callDuring(() => killAtRandom(isEnough));
  const { heard, lost, seconds } = callers.ledger;
  assert.deepEqual(callers.ledger.wrong, []);
  await waitUntilPublished(cluster.database.ownerUrl);

  const shards = await readWholeLog(cluster.database);
  t.diagnostic(
    `${kills} kills, ${callers.ledger.requests} requests in ${Math.round(seconds)} s, ${lost} without an answer; ` +
      `${heard.length} events acknowledged (${Math.round(heard.length / seconds)}/s), ` +
      `${shards[0]?.size} in the tree, ${shards[0]?.checkpoints.length} checkpoints`,
  );
  assert.equal(shards.length, 1);
  assertLogged(
    shards,
    heard.map(({ eventId }) => eventId),
  );
  assert.equal(new Set(heard.map(({ eventId }) => eventId)).size, heard.length);
  assertSaysWhatWasHeard(shards, heard);
});

function assertSaysWhatWasHeard(
  shards: Awaited<ReturnType<typeof readWholeLog>>,
  heard: readonly { eventId: string; status: number; isBatch: boolean }[],
): void {
  const codes = new Map(
    shards.flatMap(({ leaves }) => leaves.map(({ id, rc }) => [id, rc] as const)),
  );
  const otherwise = heard.filter(
    ({ eventId, status, isBatch }) => !isBatch && codes.get(eventId) !== status,
  );
  assert.deepEqual(otherwise, []);
}

it('leaves a log behind in which a verifier finds nothing: no hole, no writer that lost a number', async () => {
  const shards = await readWholeLog(cluster.database);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
  for (const shard of shards) {
    const { findings, writers } = await shard.verify();
    assert.deepEqual(findings, []);
    assert.ok((writers?.seen ?? 0) > INSTANCES);
  }
});

it('has published and remembered states of one tree only, on every instance', async () => {
  const shards = await readWholeLog(cluster.database);
  for (const { origin, checkpoints, assertPrefix } of shards) {
    assert.ok(checkpoints.length > 2);
    for (const { headFolder } of running) {
      const head = await makeFileHeadStore(headFolder).read(origin);
      if (head !== undefined) assertPrefix(head);
    }
  }
});

it('has raised no alarm about lost or altered evidence, and ends in order', async () => {
  const ends = await Promise.all(running.map((instance) => instance.end('SIGTERM')));
  assert.deepEqual(
    ends.map(({ code }) => code),
    ends.map(() => 0),
  );
  const lines = cluster.started.flatMap((instance) => instance.lines());
  const grave = lines.filter(
    ({ event, kind }) =>
      CONTRADICTIONS.test(event) || (event === 'audit_alarm' && GRAVE.has(String(kind))),
  );
  assert.deepEqual(grave, []);
  const shards = await readWholeLog(cluster.database);
  assert.deepEqual(saidBy(shards, 'audit.gap'), []);
});
