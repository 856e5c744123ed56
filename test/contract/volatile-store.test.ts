import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMemoryVolatileStore } from '../../src/adapters/memory/volatile-store.ts';
import { runVolatileStoreContract, volatileRow } from './volatile-store.ts';

function makeStanding(maxRows?: number) {
  let nowMs = Date.UTC(2026, 0, 15);
  const clock = { now: () => nowMs };
  const store = makeMemoryVolatileStore(maxRows === undefined ? { clock } : { clock, maxRows });
  const pass = async (ms: number) => {
    nowMs += ms;
  };
  return { store, now: clock.now, pass };
}

runVolatileStoreContract('memory', async () => makeStanding());

test('a full memory refuses new values, keeps the old ones, and has room when some have ended', async () => {
  const { store, now, pass } = makeStanding(2);
  const [short, long] = [volatileRow(now(), { lifeMs: 1_000 }), volatileRow(now())];
  await store.put(short);
  await store.put(long);
  await assert.rejects(store.put(volatileRow(now())), { code: 'overloaded' });
  assert.deepEqual(await store.find(short), short);
  await pass(1_000);
  assert.equal(await store.put(volatileRow(now())), true);
  assert.deepEqual(await store.find(long), long);
});
