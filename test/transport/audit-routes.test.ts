import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeAuditedService } from './audited-service.ts';

const service = await makeAuditedService();
after(() => service.app.close());
const { story } = service;
const token = story.tokens['alpha'] ?? '';
const readOf = (vault: string) => story.reads[vault] ?? '';

test('a search, one hit of it, and its receipt, by way of HTTP', async () => {
  const search = await service.postAs('alpha-auditor', '/v1/audit/search', { token, limit: 1 });
  assert.equal(search.statusCode, 200);
  assert.equal(search.headers['cache-control'], 'no-store');
  const { events, cursor } = search.json();
  assert.equal(events.length, 1);
  assert.equal(typeof cursor, 'string');
  const [event] = events;
  assert.equal(event.id, readOf('alpha'));
  const alone = await service.getAs('alpha-auditor', `/v1/audit/events/${event.id}`);
  assert.deepEqual(alone.json(), event);
  const receipt = await service.getAs('alpha-auditor', `/v1/audit/events/${event.id}/receipt`);
  assert.equal(receipt.statusCode, 200);
  assert.equal(receipt.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(
    receipt.headers['content-disposition'],
    `attachment; filename="${event.id}.tlog-proof"`,
  );
  assert.equal(receipt.headers['cache-control'], 'no-store');
  assert.match(receipt.body, /^c2sp\.org\/tlog-proof@v1\nextra /);
  for (const reply of [search, alone, receipt]) {
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
  }
});

test('the query and attributes of an event come out whole', async () => {
  await service.postAs('auditor', '/v1/audit/search', { action: 'detokenize', limit: 3 });
  const reply = await service.postAs('auditor', '/v1/audit/search', {
    action: 'audit.search',
    limit: 1,
  });
  assert.deepEqual(reply.json().events[0].query, { action: 'detokenize', limit: 3 });
});

test('refused and missing are the same bytes', async () => {
  const urls = [readOf('beta'), 'A'.repeat(22), 'x', '%00', '..%2F..%2Fsearch', 'a'.repeat(4000)];
  const bodies = new Set<string>();
  for (const url of urls.flatMap((id) => [id, `${id}/receipt`])) {
    const reply = await service.getAs('alpha-auditor', `/v1/audit/events/${url}`);
    assert.equal(reply.statusCode, 404, url);
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
    assert.equal(reply.headers['content-disposition'], undefined);
    bodies.add(reply.body);
  }
  assert.equal(bodies.size, 1);
});

const INJECTIONS: [object, string][] = [
  [{ limit: 0 }, '/limit'],
  [{ limit: 1001 }, '/limit'],
  [{ limit: 1.5 }, '/limit'],
  [{ limit: '5' }, '/limit'],
  [{ token: '' }, '/token'],
  [{ token: ['a'] }, '/token'],
  [{ token: { $ne: 1 } }, '/token'],
  [{ token: 'a\u0000b' }, '/token'],
  [{ actor: 'x'.repeat(257) }, '/actor'],
  [{ action: "x' or 1=1 --" }, '/action'],
  [{ action: 'op:detokenize' }, '/action'],
  [{ action: 'DETOKENIZE' }, '/action'],
  [{ outcome: 'all' }, '/outcome'],
  [{ from: 'yesterday' }, '/from'],
  [{ to: '2026-13-01T00:00:00Z' }, '/to'],
  [{ to: 1 }, '/to'],
  [{ unknown: 1 }, ''],
  [{ termGroups: [] }, ''],
  [{ facetGroups: [['vlt:beta']] }, ''],
  [{ cursor: 'x'.repeat(257) }, '/cursor'],
];

test('a malformed query is refused where it is wrong, and on record', async () => {
  for (const [body, path] of INJECTIONS) {
    const reply = await service.postAs('auditor', '/v1/audit/search', body);
    assert.equal(reply.statusCode, 400, JSON.stringify(body));
    assert.equal(reply.json().code, 'invalid_request');
    assert.equal(reply.json().errors[0].path, path);
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
  }
});

test('texts that mean something to an index, a shell or SQL are texts here', async () => {
  const texts = ["' or 1=1 --", '%', '*', 'vlt:beta', '$1', '{}', '../..', '\\', '"', 'tom%'];
  for (const text of texts) {
    for (const name of ['token', 'actor', 'reference', 'purpose', 'vault']) {
      const reply = await service.postAs('alpha-auditor', '/v1/audit/search', { [name]: text });
      if (name === 'vault') assert.equal(reply.json().code, 'vault_not_found');
      else assert.deepEqual(reply.json(), { events: [] }, `${name} ${text}`);
    }
  }
});

test('nothing of a query, an event or a receipt is in a log line or a metric', async () => {
  const canary = 'canaryQ7';
  const roles = ['auditor', 'alpha-auditor', 'desk'];
  for (const name of ['token', 'actor', 'reference', 'purpose', 'vault', 'subject', 'cursor']) {
    for (const role of roles) {
      const body = name === 'subject' ? { vault: 'alpha', subject: canary } : { [name]: canary };
      const reply = await service.postAs(role, '/v1/audit/search', body);
      assert.equal((reply.body + JSON.stringify(reply.headers)).includes(canary), false);
    }
  }
  for (const role of roles) {
    await service.getAs(role, `/v1/audit/events/${canary}`);
    await service.getAs(role, `/v1/audit/events/${readOf('alpha')}`);
    await service.getAs(role, `/v1/audit/log/${canary}/checkpoint`);
    await service.getAs(role, `/v1/audit/log/2026/tile/${canary}/${canary}`);
    await service.postAs(role, '/v1/audit/export', { format: 'csv', vault: canary });
  }
  const seen = service.lines.join('') + (await service.metrics.expose()).body;
  for (const secret of [canary, 'tom', 'mia', 'C-7', token, readOf('alpha')]) {
    assert.equal(seen.includes(secret), false, secret);
  }
});

test('no call puts what is searched for into a URL', async () => {
  const reply = await service.getAs('auditor', '/v1/audit/search?token=canary');
  assert.equal(reply.statusCode, 405);
  const posted = await service.postAs('auditor', '/v1/audit/search?vault=beta', {
    vault: 'alpha',
    action: 'detokenize',
  });
  assert.deepEqual(
    posted.json().events.map(({ vault }: { vault: string }) => vault),
    ['alpha'],
  );
});
