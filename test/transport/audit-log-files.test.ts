import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { makeAuditedService } from './audited-service.ts';

const service = await makeAuditedService();
after(() => service.app.close());
service.story.log.publish();

const LOG = '/v1/audit/log';
const IMMUTABLE = 'max-age=604800, immutable';

const FILES = [
  ['2026/checkpoint', 'text/plain; charset=utf-8', 'no-cache'],
  ['active/checkpoint', 'text/plain; charset=utf-8', 'no-cache'],
  ['2026/vkey', 'text/plain; charset=utf-8', 'no-cache'],
  ['2026/tile/0/000.p/4', 'application/octet-stream', IMMUTABLE],
  // Another shard has other tiles under the same path: an alias must not be remembered for ever.
  ['active/tile/0/000.p/4', 'application/octet-stream', 'no-cache'],
] as const;

test('checkpoint, keys and hash tiles need no credential, and may be cached as tlog-tiles says', async () => {
  for (const [path, type, caching] of FILES) {
    const reply = await service.getAs(undefined, `${LOG}/${path}`);
    assert.equal(reply.statusCode, 200, path);
    assert.equal(reply.headers['content-type'], type);
    assert.equal(reply.headers['cache-control'], caching);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.equal(reply.headers['content-encoding'], undefined);
    assert.notEqual(reply.rawPayload.length, 0);
  }
});

test('HEAD is GET without a body', async () => {
  for (const [path] of FILES) {
    const [head, get] = [
      await service.headAs(undefined, `${LOG}/${path}`),
      await service.getAs(undefined, `${LOG}/${path}`),
    ];
    assert.equal(head.statusCode, 200);
    assert.equal(head.body, '');
    for (const name of ['content-type', 'content-length', 'cache-control']) {
      assert.equal(head.headers[name], get.headers[name], `${path} ${name}`);
    }
  }
});

test('what the tree does not have is a 404 that nobody may cache', async () => {
  const paths = [
    '2025/checkpoint',
    '2025/vkey',
    '2026/tile/0/000',
    '2026/tile/0/000.p/0',
    '2026/tile/0/000.p/5',
    '2026/tile/0/000.p/256',
    '2026/tile/0/001.p/1',
    '2026/tile/0/',
    '2026/tile/00/000.p/1',
    '2026/tile/64/000.p/1',
    '2026/tile/0/000.p/1/',
    '2026/tile/0/000.p%2F1%00',
    // Spellings that other routers take for `entries`.
    '2026/tile/entries%2Fx001/000',
    '2026/tile/Entries/000.p/1',
    '2026/tile/0%2F..%2Fentries/000.p/1',
  ];
  for (const path of paths) {
    const reply = await service.getAs(undefined, `${LOG}/${path}`);
    assert.equal(reply.statusCode, 404, path);
    assert.equal(reply.json().code, 'not_found');
    assert.equal(reply.headers['cache-control'], 'no-store');
  }
});

test('entries need a credential under every spelling of their path', async () => {
  const paths = ['entries/000.p/1', '%65ntries/000.p/1', 'entries/000', 'entries/', 'entries//'];
  for (const path of paths) {
    const url = `${LOG}/2026/tile/${path}`;
    assert.equal((await service.getAs(undefined, url)).statusCode, 401, path);
    assert.equal((await service.headAs(undefined, url)).statusCode, 401, path);
    for (const role of ['desk', 'alpha-auditor']) {
      assert.equal((await service.getAs(role, url)).json().code, 'forbidden', `${role} ${path}`);
    }
  }
});

test('entries may be kept by their reader, and by nobody in between', async () => {
  for (const [shard, caching] of [
    ['2026', `private, ${IMMUTABLE}`],
    ['active', 'private, no-cache'],
  ]) {
    const reply = await service.getAs('auditor', `${LOG}/${shard}/tile/entries/000.p/4`);
    assert.equal(reply.statusCode, 200);
    assert.equal(reply.headers['content-type'], 'application/octet-stream');
    assert.equal(reply.headers['cache-control'], caching);
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
    assert.match(reply.body, /"op":"detokenize"/);
    // Nothing personal is in a leaf.
    assert.doesNotMatch(reply.body, /tom|mia|C-7|Ada/);
  }
});

test('entries are compressed for who takes gzip: the same bytes, under the same rules', async () => {
  const url = `${LOG}/2026/tile/entries/000.p/4`;
  const plain = await service.getAs('auditor', url);
  const small = await service.getAs('auditor', url, { 'accept-encoding': 'gzip' });
  assert.deepEqual(gunzipSync(small.rawPayload), plain.rawPayload);
  assert.equal(small.headers['content-encoding'], 'gzip');
  assert.equal(plain.headers['content-encoding'], undefined);
  for (const { headers } of [plain, small]) {
    assert.equal(headers['vary'], 'accept-encoding');
    assert.equal(headers['cache-control'], `private, ${IMMUTABLE}`);
  }
  const refused = await service.getAs('desk', url, { 'accept-encoding': 'gzip' });
  assert.equal(refused.statusCode, 403);
  assert.equal(refused.headers['content-encoding'], undefined);
});

test('HEAD on audited routes is on record, and keeps its status when it is refused', async () => {
  const url = `${LOG}/2026/tile/entries/000.p/4`;
  const [ok, forbidden, missing] = [
    await service.headAs('auditor', url),
    await service.headAs('desk', url),
    await service.headAs('auditor', `${LOG}/2026/tile/entries/009`),
  ];
  assert.deepEqual([ok.statusCode, forbidden.statusCode, missing.statusCode], [200, 403, 404]);
  for (const reply of [ok, forbidden, missing]) {
    assert.equal(reply.body, '');
    assert.match(String(reply.headers['audit-event-id']), /^[\w-]{22}$/);
  }
});

test('when the log cannot be written entries stay inside, and the refusal is not cached', async () => {
  const other = await makeAuditedService();
  other.story.log.publish();
  other.story.audit.setAvailable(false);
  const url = `${LOG}/2026/tile/entries/000.p/4`;
  for (const reply of [await other.getAs('auditor', url), await other.headAs('auditor', url)]) {
    assert.equal(reply.statusCode, 503);
    assert.equal(reply.headers['cache-control'], 'no-store');
    assert.doesNotMatch(reply.body, /detokenize/);
  }
  assert.equal((await other.getAs(undefined, `${LOG}/2026/checkpoint`)).statusCode, 200);
  await other.app.close();
});

test('another method is 405 for callers, and 401 for strangers', async () => {
  for (const path of ['checkpoint', 'vkey', 'tile/0/000.p/1', 'tile/entries/x001/000']) {
    const url = `${LOG}/active/${path}`;
    const headers = { authorization: 'Bearer auditor' };
    const reply = await service.app.inject({ method: 'DELETE', url, headers });
    assert.equal(reply.statusCode, 405, path);
    assert.match(String(reply.headers['allow']), /GET/);
    assert.equal((await service.app.inject({ method: 'DELETE', url })).statusCode, 401);
  }
});
