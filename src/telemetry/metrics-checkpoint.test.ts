import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { makeCheckpointMetrics } from './metrics-checkpoint.ts';

test('size, time, frozen shards and the lag of each witness are published, read when scraped', async () => {
  const registry = new Registry();
  const metrics = makeCheckpointMetrics([registry]);
  // Alerts need the series before anything goes wrong.
  assert.match(await registry.metrics(), /^counterfoil_audit_frozen 0$/m);
  metrics.published({ size: 42, atMs: 1_700_000_000_500 });
  metrics.frozen(1);
  let lag = 0;
  metrics.watchWitness('one', () => lag);
  lag = 7.5;
  const text = await registry.metrics();
  assert.match(text, /^counterfoil_audit_checkpoint_size 42$/m);
  assert.match(text, /^counterfoil_audit_checkpoint_timestamp_seconds 1700000000.5$/m);
  assert.match(text, /^counterfoil_audit_frozen 1$/m);
  assert.match(text, /^counterfoil_audit_witness_lag_seconds\{witness="one"\} 7.5$/m);
});
