import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeFakeService, TOKEN } from './fake-service.ts';

const URL_PATH = '/v1/vaults/demo/export';

test('an export is sent as a file that nobody stores, with the id of its event', async () => {
  const { app, post, seen } = makeFakeService();
  after(() => app.close());
  const reply = await post(URL_PATH, {});
  assert.equal(reply.statusCode, 200);
  assert.equal(reply.body, 'age-encryption.org/v1\n');
  assert.equal(reply.headers['content-type'], 'application/octet-stream');
  assert.match(
    String(reply.headers['content-disposition']),
    /^attachment; filename="[\w-]+\.age"$/,
  );
  assert.equal(reply.headers['cache-control'], 'no-store');
  assert.equal(reply.headers['audit-event-id'], 'event-exportVault');
  assert.deepEqual(
    seen.map(({ operation, call }) => [operation, call.vault]),
    [['exportVault', 'demo']],
  );
});

test('nobody can name what an export is encrypted to', async () => {
  const { app, post } = makeFakeService();
  after(() => app.close());
  for (const body of [{ recipient: 'age1' }, { recipients: [] }, [], 'null']) {
    assert.equal((await post(URL_PATH, body)).json().code, 'invalid_request');
  }
});

test('an export that fails on its way is cut, so that it does not look whole', async () => {
  const broken = async function* () {
    yield Buffer.from('age-encryption.org/v1\n');
    throw new Error('broken');
  };
  const exportVault = async () => ({
    output: { content: broken() },
    receipt: { eventId: 'event' },
  });
  const { app } = makeFakeService({ operations: { exportVault } });
  after(() => app.close());
  const address = await app.listen({ port: 0 });
  const reading = async () => {
    const reply = await fetch(`${address}${URL_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: '{}',
    });
    return reply.text();
  };
  await assert.rejects(reading());
});
