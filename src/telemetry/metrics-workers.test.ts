import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMetrics } from './metrics.ts';
import { makeWorkersMetrics, type Snapshot } from './metrics-workers.ts';

const request = { route: '/v1/x', method: 'POST', status: 200, seconds: 0.01 };

/** The value of one line of the text, by its name and labels. */
async function read(
  metrics: ReturnType<typeof makeWorkersMetrics>,
  said: readonly (Snapshot | undefined)[],
  line: string,
): Promise<number> {
  const { body } = await metrics.expose(said);
  const found = body.split('\n').filter((text) => text.startsWith(`${line} `));
  assert.equal(found.length, 1, `one line ${line}`);
  return Number(found[0]?.slice(line.length + 1));
}

const COUNT =
  'counterfoil_http_request_duration_seconds_count{route="/v1/x",method="POST",status="200"}';

test('what each worker did is added up; of what all look at, the largest counts', async () => {
  const [one, two, all] = [makeMetrics(), makeMetrics(), makeWorkersMetrics()];
  one.httpRequest(request);
  two.httpRequest(request);
  two.httpRequest(request);
  one.checkpoint.published({ size: 7, atMs: 5_000 });
  two.checkpoint.published({ size: 9, atMs: 6_000 });
  one.sequencer.pending({ events: 3, seconds: 4 });
  two.sequencer.pending({ events: 2, seconds: 8 });
  one.sequencer.condition('cycle_failed', true);
  two.sequencer.condition('cycle_failed', false);
  one.watchPool('requests', () => ({ total: 4, idle: 1, waiting: 0 }));
  two.watchPool('requests', () => ({ total: 5, idle: 2, waiting: 0 }));
  const said = [await one.snapshot(), await two.snapshot()];
  for (const [line, value] of [
    [COUNT, 3],
    ['counterfoil_audit_checkpoint_size', 9],
    ['counterfoil_audit_checkpoint_timestamp_seconds', 6],
    ['counterfoil_audit_pending_events', 3],
    ['counterfoil_audit_pending_age_seconds', 8],
    ['counterfoil_audit_alarm_active{kind="cycle_failed"}', 1],
    ['counterfoil_pool_connections{pool="requests",state="total"}', 9],
  ] as const) {
    assert.equal(await read(all, said, line), value, line);
  }
});

test('a counter never falls: not when a worker ends, nor when one says nothing in time', async () => {
  const [one, two, all] = [makeMetrics(), makeMetrics(), makeWorkersMetrics()];
  for (const metrics of [one, two]) metrics.httpRequest(request);
  const second = await two.snapshot();
  assert.equal(await read(all, [await one.snapshot(), second], COUNT), 2);
  assert.equal(await read(all, [undefined, second], COUNT), 2);
  all.ended(1);
  assert.equal(await read(all, [undefined, second], COUNT), 2);
  const replacement = makeMetrics();
  replacement.httpRequest(request);
  assert.equal(await read(all, [await replacement.snapshot(), second], COUNT), 3);
  all.ended(1);
  assert.equal(await read(all, [undefined, second], COUNT), 3);
  assert.equal(await read(all, [undefined, second], 'counterfoil_workers_ended_total'), 2);
});

test('what a worker held is gone with it', async () => {
  const [one, all] = [makeMetrics(), makeWorkersMetrics()];
  one.watchPool('requests', () => ({ total: 4, idle: 1, waiting: 0 }));
  const memory = 'counterfoil_worker_resident_memory_bytes{worker="1"}';
  assert.ok((await read(all, [await one.snapshot()], memory)) > 1e6);
  all.ended(1);
  const { body } = await all.expose([undefined]);
  assert.doesNotMatch(body, /pool_connections\{/);
  assert.doesNotMatch(body, /worker_resident_memory_bytes\{/);
});
