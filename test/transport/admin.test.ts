import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAdminServer } from '../../src/api/http/admin.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';

function admin(ready: () => Promise<{ ok: boolean; checks: Record<string, boolean> }>) {
  return makeAdminServer({ ready, metrics: makeMetrics() });
}

test('liveness never asks a dependency', async () => {
  const app = admin(() => Promise.reject(new Error('down')));
  const reply = await app.inject('/livez');
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(reply.json(), { status: 'ok' });
  await app.close();
});

test('readiness shows each check, and is 503 as soon as the service cannot work', async () => {
  let ok = true;
  const app = admin(async () => ({ ok, checks: { postgres: ok, audit: true } }));
  const good = await app.inject('/readyz');
  assert.deepEqual(
    [good.statusCode, good.json()],
    [200, { status: 'ok', checks: { postgres: true, audit: true } }],
  );
  ok = false;
  const bad = await app.inject('/readyz');
  assert.deepEqual(
    [bad.statusCode, bad.json()],
    [503, { status: 'unavailable', checks: { postgres: false, audit: true } }],
  );
  await app.close();
});

test('a readiness check that breaks is not ready, and says nothing of why', async () => {
  const app = admin(() => Promise.reject(new Error('canary')));
  const reply = await app.inject('/readyz');
  assert.equal(reply.statusCode, 503);
  assert.equal(reply.body.includes('canary'), false);
  await app.close();
});

test('metrics are Prometheus text, and nothing else is served', async () => {
  const app = admin(async () => ({ ok: true, checks: {} }));
  assert.match((await app.inject('/metrics')).body, /^# HELP counterfoil_/);
  for (const url of ['/', '/docs', '/v1/vaults/demo/tokenize', '/metrics/', '/livez%ZZ']) {
    assert.equal((await app.inject(url)).json().code, 'not_found', url);
  }
  assert.equal((await app.inject({ method: 'POST', url: '/metrics' })).statusCode, 404);
  await app.close();
});
