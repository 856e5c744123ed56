import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';

const app = callAs('app');
const supervisor = callAs('supervisor');
const EMAIL = { field: 'email', value: 'Ada@Example.COM' };
const reveal = (token: string) => ({ token, purpose: 'support-ticket' });

test('a value becomes a token that says nothing of it, and comes back normalised', async () => {
  const { operations } = makeTestOperations();
  const { output } = await operations.tokenize(app, EMAIL);
  assert.match(output.token, /^[0-9a-z]{26}@token\.invalid$/);
  const { output: back } = await operations.detokenize(supervisor, reveal(output.token));
  assert.deepEqual(back, { value: 'Ada@example.com', field: 'email', view: 'full' });
});

test('a deterministic field gives one token per value, whatever its spelling', async () => {
  const { operations } = makeTestOperations();
  const first = await operations.tokenize(app, EMAIL);
  const second = await operations.tokenize(app, { field: 'email', value: ' Ada@example.com ' });
  const other = await operations.tokenize(app, { field: 'email', value: 'bob@example.com' });
  assert.equal(first.output.token, second.output.token);
  assert.notEqual(first.output.token, other.output.token);
});

test('a random field gives a new token each time', async () => {
  const { operations } = makeTestOperations();
  const first = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  const second = await operations.tokenize(app, { field: 'name', value: 'Ada' });
  assert.notEqual(first.output.token, second.output.token);
});

test('two callers cannot join on a field scoped to the caller', async () => {
  const { operations } = makeTestOperations();
  const input = { field: 'customerId', value: 'AB-123456' };
  const mine = await operations.tokenize(app, input);
  const again = await operations.tokenize(app, input);
  const theirs = await operations.tokenize(callAs('app', { subject: 'other' }), input);
  const elsewhere = await operations.tokenize(
    callAs('app', { issuer: 'https://other.test' }),
    input,
  );
  assert.equal(mine.output.token, again.output.token);
  assert.equal(new Set([mine, theirs, elsewhere].map(({ output }) => output.token)).size, 3);
});

test('a token ends at the time asked for, and a known value then gets a new one', async () => {
  const { operations, advance } = makeTestOperations();
  const { output } = await operations.tokenize(app, {
    ...EMAIL,
    expiresAt: '2026-01-15T13:00:00Z',
  });
  advance(3_600_000);
  const gone = await failureOf(operations.detokenize(supervisor, reveal(output.token)));
  assert.equal(gone.code, 'token_not_found');
  const next = await operations.tokenize(app, EMAIL);
  assert.notEqual(next.output.token, output.token);
});

test('the retention of a field ends a token that asks for longer', async () => {
  const { operations } = makeTestOperations();
  const { output } = await operations.tokenize(app, {
    field: 'cvv',
    value: '123',
    expiresAt: '2030-01-01T00:00:00Z',
  });
  const { output: facts } = await operations.inspect(supervisor, { token: output.token });
  assert.equal(facts.expiresAt, '2026-01-15T13:00:00.000Z');
});

test('a request that is wrong beside its value does not tell a known value from a new one', async () => {
  const { operations, audit } = makeTestOperations();
  await operations.tokenize(app, EMAIL);
  const wrong = [
    { expiresAt: '2001-01-01T00:00:00Z' },
    { expiresAt: '2030-02-31T00:00:00Z' },
    { metadata: { note: 'x'.repeat(5000) } },
  ];
  for (const more of wrong) {
    const known = await failureOf(operations.tokenize(app, { ...EMAIL, ...more }));
    const fresh = { field: 'email', value: 'eve@example.com', ...more };
    const unknown = await failureOf(operations.tokenize(app, fresh));
    assert.equal(known.code, 'invalid_request');
    assert.deepEqual([known.code, known.problems], [unknown.code, unknown.problems]);
  }
  const [first, second] = audit.events.slice(-2);
  assert.deepEqual([first?.reason, first?.items], [second?.reason, second?.items]);
});

test('an expiry in the past, or on a day that does not exist, is refused by path', async () => {
  const { operations } = makeTestOperations();
  for (const [expiresAt, rule] of [
    ['2026-01-15T12:00:00Z', 'in_the_past'],
    ['9999-12-31T23:59:59-14:00', 'not_a_time'],
    ['2027-02-30T12:00:00Z', 'not_a_time'],
  ] as const) {
    const failure = await failureOf(operations.tokenize(app, { ...EMAIL, expiresAt }));
    assert.equal(failure.code, 'invalid_request');
    assert.deepEqual(failure.problems, [{ path: '/expiresAt', rule }]);
  }
});

test('metadata is sealed with the token, comes back on inspection only, and is capped', async () => {
  const { operations, tokens, vault } = makeTestOperations();
  const metadata = { order: 'A-17', lines: [1, 2] };
  const { output } = await operations.tokenize(app, { field: 'name', value: 'Ada', metadata });
  const { output: facts } = await operations.inspect(supervisor, { token: output.token });
  assert.deepEqual(facts.metadata, metadata);
  const { shardOf } = await import('../domain/tokens/shard.ts');
  const row = await tokens.find({
    vaultId: vault.id,
    shard: shardOf(output.token),
    token: output.token,
  });
  assert.equal(row?.metadata?.includes('A-17'), false);
  const big = { field: 'name', value: 'Ada', metadata: { note: 'x'.repeat(4096) } };
  const failure = await failureOf(operations.tokenize(app, big));
  assert.deepEqual(failure.problems, [{ path: '/metadata', rule: 'max_bytes' }]);
});

test("a random value with a subject cannot be opened without that subject's secret", async () => {
  const { operations, tokens, vault, cipher } = makeTestOperations();
  const input = { field: 'name', value: 'Ada', subject: 'customer-1', metadata: { a: 1 } };
  const { output } = await operations.tokenize(app, input);
  const { output: back } = await operations.detokenize(supervisor, reveal(output.token));
  assert.equal(back.value, 'Ada');
  const { output: facts } = await operations.inspect(supervisor, { token: output.token });
  assert.deepEqual(facts.metadata, { a: 1 });
  const { shardOf } = await import('../domain/tokens/shard.ts');
  const row = await tokens.find({
    vaultId: vault.id,
    shard: shardOf(output.token),
    token: output.token,
  });
  assert.ok(row?.subject);
  const binding = { fieldId: row.fieldId, token: row.token, subjectId: row.subject.id };
  assert.throws(() => cipher.openValue(row.sealed, binding), { code: 'internal' });
  assert.throws(() => cipher.openMetadata(row.metadata ?? Buffer.alloc(0), binding), {
    code: 'internal',
  });
});

test('a field that the vault does not have, or that the caller may not fill, says which', async () => {
  const { operations } = makeTestOperations();
  const unknown = await failureOf(operations.tokenize(app, { field: 'shoe', value: '44' }));
  assert.equal(unknown.code, 'field_unknown');
  const refused = await failureOf(operations.tokenize(callAs('support'), EMAIL));
  assert.equal(refused.code, 'forbidden');
});

test('a value that does not fit its field is refused by rule, never quoted', async () => {
  const { operations } = makeTestOperations();
  const failure = await failureOf(
    operations.tokenize(app, { field: 'pan', value: '4111111111111112' }),
  );
  assert.equal(failure.code, 'value_invalid');
  assert.equal(JSON.stringify([failure.message, failure.problems]).includes('4111'), false);
});

test('a vault that is unknown, not in the credential, or without a role for the caller is one and the same', async () => {
  const { operations } = makeTestOperations();
  const calls = [
    { ...app, vault: 'other' },
    callAs('app', { vaults: [] }),
    callAs('app', { vaults: ['other'] }),
    callAs('stranger'),
  ];
  for (const call of calls) {
    assert.equal((await failureOf(operations.tokenize(call, EMAIL))).code, 'vault_not_found');
  }
  assert.ok((await operations.tokenize(callAs('app', { vaults: '*' }), EMAIL)).output.token);
});

test("a fingerprint that was moved to another value's row hands out no token", async () => {
  const { operations, deps } = makeTestOperations();
  const other = await operations.tokenize(app, { field: 'email', value: 'bob@example.com' });
  const row = await deps.tokens.find({
    vaultId: 1,
    shard: (await import('../domain/tokens/shard.ts')).shardOf(other.output.token),
    token: other.output.token,
  });
  deps.tokens.findByFingerprint = async () => row;
  const failure = await failureOf(operations.tokenize(app, EMAIL));
  assert.equal(failure.code, 'internal');
});

test('when no free token is found in sixteen draws, the answer says so', async () => {
  const { operations, deps } = makeTestOperations();
  let draws = 0;
  deps.tokens.insert = async () => {
    draws += 1;
    return { kind: 'taken' };
  };
  const failure = await failureOf(operations.tokenize(app, EMAIL));
  assert.equal(failure.code, 'token_space_exhausted');
  assert.equal(draws, 16);
});
