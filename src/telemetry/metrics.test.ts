import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMetrics } from './metrics.ts';

test('every published name carries the prefix', async () => {
  const { body, contentType } = await makeMetrics().expose();
  const names = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(names.length > 20, true);
  assert.deepEqual(
    names.filter((line) => !line.startsWith('counterfoil_')),
    [],
  );
  assert.match(contentType, /^text\/plain/);
});

test('requests are counted by route pattern, method and status', async () => {
  const metrics = makeMetrics();
  metrics.httpRequest({
    route: '/v1/vaults/:vault/lookup',
    method: 'POST',
    status: 404,
    seconds: 0.01,
  });
  const { body } = await metrics.expose();
  assert.match(
    body,
    /http_request_duration_seconds_count\{route="\/v1\/vaults\/:vault\/lookup",method="POST",status="404"\} 1/,
  );
});

test('audit failures start at zero, so that an alert can see the first one', async () => {
  const metrics = makeMetrics();
  const { body } = await metrics.expose();
  for (const reason of ['commit', 'deadline', 'queue_full', 'backlog']) {
    assert.match(body, new RegExp(`audit_failures_total\\{reason="${reason}"\\} 0`));
  }
  for (const kind of ['restored', 'altered', 'lost']) {
    assert.match(body, new RegExp(`audit_batch_faults_total\\{kind="${kind}"\\} 0`));
  }
  metrics.audit.failed('commit');
  assert.match((await metrics.expose()).body, /audit_failures_total\{reason="commit"\} 1/);
});

test('audit queue, commits, shared statements and pools are read as they are now', async () => {
  const metrics = makeMetrics();
  let waiting = 1;
  metrics.audit.watchQueue(() => waiting);
  metrics.watchPool('audit', () => ({ total: 3, idle: 2, waiting: 0 }));
  metrics.audit.committed({ events: 7, seconds: 0.002 });
  metrics.audit.watchUnintegrated(() => ({ events: 12, ageSeconds: 1.5 }));
  metrics.audit.fault('restored');
  metrics.coalesced({ kind: 'find', items: 5 });
  waiting = 9;
  const { body } = await metrics.expose();
  assert.match(body, /audit_queue_events 9/);
  assert.match(body, /pool_connections\{pool="audit",state="idle"\} 2/);
  assert.match(body, /audit_batch_events_sum 7/);
  assert.match(body, /counterfoil_audit_unintegrated_events 12/);
  assert.match(body, /counterfoil_audit_unintegrated_age_seconds 1.5/);
  assert.match(body, /audit_batch_faults_total\{kind="restored"\} 1/);
  assert.match(body, /coalesced_items_sum\{kind="find"\} 5/);
});

test('two registries do not share numbers', async () => {
  const first = makeMetrics();
  first.coalesced({ kind: 'find', items: 5 });
  assert.doesNotMatch((await makeMetrics().expose()).body, /kind="find"/);
});
