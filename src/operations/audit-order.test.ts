import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { VaultError } from '../domain/errors.ts';
import type { Operations } from './operation.ts';

const app = callAs('app');
const supervisor = callAs('supervisor');
const purpose = 'support-ticket';

type Case = { name: string; run: (operations: Operations, token: string) => Promise<unknown> };

const CASES: Case[] = [
  { name: 'tokenize', run: (o) => o.tokenize(app, { field: 'email', value: 'eve@example.com' }) },
  {
    name: 'tokenize/batch',
    run: (o) => o.tokenizeBatch(app, { items: [{ field: 'name', value: 'Eve' }] }),
  },
  { name: 'detokenize', run: (o, token) => o.detokenize(supervisor, { token, purpose }) },
  {
    name: 'detokenize/batch',
    run: (o, token) => o.detokenizeBatch(supervisor, { tokens: [token], purpose }),
  },
  {
    name: 'tokens/import',
    run: (o) =>
      o.importTokens(app, { items: [{ field: 'name', value: 'Eve', token: 'legacy-1' }] }),
  },
  { name: 'tokens/search', run: (o) => o.search(supervisor, {}) },
  { name: 'lookup', run: (o) => o.lookup(app, { field: 'email', value: 'ada@example.com' }) },
  {
    name: 'a computed token',
    run: (o) => o.tokenize(app, { field: 'loyalty', value: '123456789012' }),
  },
  { name: 'a volatile token', run: (o) => o.tokenize(app, { field: 'cvv', value: '123' }) },
  { name: 'tokens/inspect', run: (o, token) => o.inspect(supervisor, { token }) },
  { name: 'tokens/revoke', run: (o, token) => o.revoke(app, { tokens: [token] }) },
  { name: 'a refusal', run: (o, token) => o.detokenize(callAs('app'), { token, purpose }) },
  { name: 'a rejected request', run: (o) => o.reject(app, new VaultError('invalid_request')) },
];

for (const { name, run } of CASES) {
  test(`${name}: without a durable event there is no answer`, async () => {
    const { operations, audit } = makeTestOperations();
    const { output } = await operations.tokenize(app, { field: 'email', value: 'ada@example.com' });
    audit.setAvailable(false);
    assert.equal((await failureOf(run(operations, output.token))).code, 'audit_unavailable');
  });

  test(`${name}: every call leaves exactly one event, with who, what and outcome`, async () => {
    const { operations, audit } = makeTestOperations();
    const { output } = await operations.tokenize(app, { field: 'email', value: 'ada@example.com' });
    const before = audit.events.length;
    await run(operations, output.token).catch(() => undefined);
    const [event, ...more] = audit.events.slice(before);
    assert.ok(event);
    assert.equal(more.length, 0);
    assert.ok(event.who.actor?.subject.startsWith('test-'));
    assert.equal(event.who.source?.ip, '127.0.0.1');
    assert.equal(event.what.requestId, 'request-1');
    assert.equal(event.outcome === 'allow', event.reason === undefined);
  });
}

test('an answer carries the id of its event; so does a refusal', async () => {
  const { operations, audit } = makeTestOperations();
  const { receipt } = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  assert.equal(audit.events.at(-1)?.id, receipt.eventId);
  const failure = await failureOf(
    operations.tokenize(callAs('support'), { field: 'name', value: 'A' }),
  );
  assert.equal(audit.events.at(-1)?.id, failure.auditEventId);
});

test('a batch leaves one event per outcome, each with its own tokens', async () => {
  const { operations, audit, cipher } = makeTestOperations();
  const { output: email } = await operations.tokenize(app, {
    field: 'email',
    value: 'ada@example.com',
  });
  const { output: cvv } = await operations.tokenize(app, { field: 'cvv', value: '123' });
  const missing = `eml_${'0'.repeat(26)}`;
  const before = audit.events.length;
  await operations.detokenizeBatch(supervisor, {
    tokens: [cvv.token, email.token, missing],
    purpose,
  });
  const events = audit.events.slice(before);
  assert.deepEqual(
    events.map(({ outcome, reason, items, what }) => [outcome, reason, items, what.tokens]),
    [
      ['allow', undefined, 1, [cipher.tokenReference(email.token)]],
      ['deny', 'token_not_found', 2, [cvv.token, missing]],
    ],
  );
});

test('text that is no token, no declared purpose, view or field never reaches the record in clear', async () => {
  const { operations, audit } = makeTestOperations();
  const canary = '4111111111111111';
  await failureOf(operations.detokenize(supervisor, { token: canary, purpose }));
  await failureOf(
    operations.detokenize(supervisor, { token: canary, purpose: canary, view: canary }),
  );
  await failureOf(operations.tokenize(app, { field: canary, value: canary }));
  await failureOf(
    operations.tokenize({ ...app, vault: canary }, { field: 'email', value: canary }),
  );
  await operations.reject({ ...app, vault: canary }, new VaultError('invalid_request'));
  await operations.revoke(app, { tokens: [canary] });
  assert.equal(audit.events.length, 6);
  assert.equal(JSON.stringify(audit.events).includes(canary), false);
});

test('an error that nobody foresaw is internal, and on record', async () => {
  const { operations, deps, audit } = makeTestOperations();
  deps.tokens.find = async () => {
    throw new TypeError('a bug');
  };
  const failure = await failureOf(
    operations.detokenize(supervisor, { token: `eml_${'0'.repeat(26)}`, purpose }),
  );
  assert.equal(failure.code, 'internal');
  assert.deepEqual(audit.events.at(-1)?.outcome, 'error');
});

test('a token is not revoked before the event about it is durable', async () => {
  const { operations, audit } = makeTestOperations();
  const { output } = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  audit.setAvailable(false);
  const failure = await failureOf(operations.revoke(app, { tokens: [output.token] }));
  assert.equal(failure.code, 'audit_unavailable');
  audit.setAvailable(true);
  const reveal = { token: output.token, purpose };
  assert.equal((await operations.detokenize(supervisor, reveal)).output.value, 'Ada');
});

test('a revocation that fails after its event is on record as failed, too', async () => {
  const { operations, deps, audit } = makeTestOperations();
  const { output } = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  deps.tokens.revoke = async () => {
    throw new VaultError('store_unavailable');
  };
  const failure = await failureOf(operations.revoke(app, { tokens: [output.token] }));
  assert.equal(failure.code, 'store_unavailable');
  assert.deepEqual(
    audit.events.slice(-2).map(({ operation, outcome }) => [operation, outcome]),
    [
      ['token.revoke', 'allow'],
      ['token.revoke', 'error'],
    ],
  );
});

test('revoking counts what this call ended, each token once', async () => {
  const { operations } = makeTestOperations();
  const { output } = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  const tokens = [output.token, output.token, 'no token', `name_${'0'.repeat(26)}`];
  assert.equal((await operations.revoke(app, { tokens })).output.revoked, 1);
  assert.equal((await operations.revoke(app, { tokens })).output.revoked, 0);
});
