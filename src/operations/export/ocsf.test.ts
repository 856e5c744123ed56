import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeExportLog } from '../../../test/helpers/export-log.ts';
import { sampleEvent } from '../../../test/helpers/filled-log.ts';
import type { AuditEvent } from '../../domain/audit/event.ts';
import { hashLeaf } from '../../tlog/hash.ts';
import { exportedEvents } from './events.ts';
import { renderOcsf } from './ocsf.ts';

type Json = { [name: string]: Json } & (string | number | Json[]);

/** What a class or object of OCSF 1.8.0 demands: members of a type, and one at least of some. */
const DEMANDED: Record<string, { required: Record<string, string>; oneOf?: string[] }> = {
  '': {
    required: {
      activity_id: 'number',
      category_uid: 'number',
      class_uid: 'number',
      type_uid: 'number',
      severity_id: 'number',
      time: 'number',
      metadata: 'object',
      actor: 'object',
      api: 'object',
      src_endpoint: 'object',
    },
  },
  metadata: { required: { version: 'string', product: 'object' } },
  'metadata.product': { required: { name: 'string', vendor_name: 'string' } },
  actor: { required: {}, oneOf: ['process', 'user', 'session', 'app_name', 'app_uid'] },
  'actor.user': { required: {}, oneOf: ['account', 'name', 'uid'] },
  api: { required: { operation: 'string' } },
  'api.request': { required: { uid: 'string' } },
  'api.service': { required: {}, oneOf: ['name', 'uid'] },
  src_endpoint: { required: {}, oneOf: ['ip', 'uid', 'name', 'hostname', 'svc_name'] },
  'resources.0': { required: {}, oneOf: ['name', 'uid'] },
  'actor.authorizations.0.policy': { required: {}, oneOf: ['name', 'uid'] },
};

function checkDemands(event: Json): void {
  for (const [path, { required, oneOf = [] }] of Object.entries(DEMANDED)) {
    const steps = path === '' ? [] : path.split('.');
    const object = steps.reduce<Json | undefined>((inner, name) => inner?.[name], event);
    if (object === undefined) continue;
    for (const [name, type] of Object.entries(required)) {
      assert.equal(typeof object[name], type, `${path}.${name}`);
    }
    assert(oneOf.length === 0 || oneOf.some((name) => name in object), `${path}: none of ${oneOf}`);
  }
  assert.equal(event['type_uid'], Number(event['class_uid']) * 100 + Number(event['activity_id']));
  assert.equal('activity_name' in event, Number(event['activity_id']) === 99);
  assert(!JSON.stringify(event).includes('null'));
}

async function rendered(event: AuditEvent, alter = (_: Buffer) => {}): Promise<Json> {
  const log = makeExportLog([event]);
  alter(log.events[0]?.who.sealed ?? assert.fail());
  for await (const [first] of exportedEvents(log, { ...log, format: 'ocsf' })) {
    const line = renderOcsf(first ?? assert.fail(), { origin: log.shard.origin, version: '1.2.3' });
    const parsed = JSON.parse(line) as Json;
    checkDemands(parsed);
    const hash = hashLeaf(log.events[0]?.leaf ?? assert.fail()).toString('hex');
    assert.deepEqual(parsed['unmapped']?.['tlog'], {
      origin: log.shard.origin,
      index: 0,
      leaf_hash: hash,
    });
    return parsed;
  }
  return assert.fail();
}

test('an allowed reveal is an allowed read, by name', async () => {
  const event = await rendered(sampleEvent());
  assert.equal(event['type_uid'], 600_302);
  assert.equal(event['severity_id'], 1);
  assert.deepEqual([event['status_id'], event['action_id'], event['disposition_id']], [1, 1, 1]);
  assert.equal(event['metadata']?.['product']?.['name'], 'Counterfoil');
  assert.equal(event['metadata']?.['version'], '1.8.0');
  assert.equal(event['actor']?.['user']?.['uid'], 'ada');
  assert.equal(event['actor']?.['authorizations']?.[0]?.['decision'], 'allow');
  assert.deepEqual(event['src_endpoint'], { ip: '192.0.2.1' });
  assert.deepEqual(event['resources'], [
    { uid: 'demo', type: 'vault' },
    { uid: 'tok_1', type: 'token', namespace: 'demo' },
  ]);
});

test('a denial is blocked, says why, and stands out', async () => {
  const denied = { outcome: 'deny', status: 403, reason: 'forbidden' } as const;
  const event = await rendered(sampleEvent(denied));
  assert.deepEqual([event['status_id'], event['action_id'], event['disposition_id']], [2, 2, 2]);
  assert.equal(event['status_code'], '403');
  assert.equal(event['status_detail'], 'forbidden');
  assert.equal(event['severity_id'], 2);
  assert.equal(event['actor']?.['authorizations']?.[0]?.['decision'], 'deny');
});

test('a failure is a failure, and claims no decision', async () => {
  const event = await rendered(
    sampleEvent({ outcome: 'error', status: 503, reason: 'store_unavailable' }),
  );
  assert.deepEqual([event['status_id'], event['action_id'], event['disposition_id']], [2, 0, 27]);
});

test('an actor who is erased, unknown or the service itself is named as such', async () => {
  const erased = await rendered(sampleEvent(), (sealed) => sealed.fill(0));
  assert.deepEqual(erased['actor']?.['user'], { uid: 'erased', type_id: 99, type: 'Erased' });
  assert.deepEqual(erased['src_endpoint'], { name: 'erased' });
  const unknown = await rendered(
    sampleEvent({ operation: 'auth.fail', who: { source: { ip: '192.0.2.9' } } }),
  );
  assert.equal(unknown['actor']?.['user']?.['uid'], 'unauthenticated');
  const own = await rendered(sampleEvent({ operation: 'audit.gap', who: {}, what: {} }));
  assert.equal(own['actor']?.['app_name'], 'Counterfoil');
  assert.equal(own['type_uid'], 600_399);
  assert.equal(own['severity_id'], 4);
  // Somebody whose name is that word is a caller still.
  const { actor } = sampleEvent().who;
  const namesake = await rendered(
    sampleEvent({ who: { actor: { ...(actor ?? assert.fail()), subject: 'erased' } } }),
  );
  assert.equal(namesake['actor']?.['user']?.['type_id'], 0);
});
