import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { policyOf } from '../../test/helpers/policies.ts';
import type { Call } from './call.ts';

const POLICY = policyOf({
  name: { type: 'text', token: { mode: 'random', prefix: 'nam' } },
  email: { type: 'email', token: { mode: 'deterministic' } },
  code: { type: 'digits', length: 3, token: { mode: 'volatile' } },
  note: { type: 'text', token: { mode: 'siv' } },
});
const DAY_MS = 24 * 3_600_000;
const ADA = { field: 'name', value: 'Ada' };

/** A call with an Idempotency-Key, over the body that `input` came in. */
function repeatable(input: unknown, more: Partial<Call['principal']> = {}, key = 'key-1'): Call {
  const body = JSON.stringify(input);
  return { ...callAs('all', more), idempotency: { key, route: 'tokenize', body } };
}

test('a repeated call gets the token of the first one, and an event of its own', async () => {
  const { operations, audit } = makeTestOperations(POLICY);
  const first = await operations.tokenize(repeatable(ADA), ADA);
  const again = await operations.tokenize(repeatable(ADA), ADA);
  assert.deepEqual(again.output, first.output);
  assert.notEqual(again.receipt.eventId, first.receipt.eventId);
  const [one, two] = audit.events.map(({ what }) => what.tokens);
  assert.deepEqual([one, two], [[first.output.token], [first.output.token]]);
});

test('calls that race with one key get one token', async () => {
  const { operations } = makeTestOperations(POLICY);
  const calls = Array.from({ length: 32 }, () => operations.tokenize(repeatable(ADA), ADA));
  const tokens = (await Promise.all(calls)).map(({ output }) => output.token);
  assert.equal(new Set(tokens).size, 1);
});

test('the key with another body is refused, and stores nothing', async () => {
  const { operations, audit } = makeTestOperations(POLICY);
  await operations.tokenize(repeatable(ADA), ADA);
  const bob = { ...ADA, value: 'Bob' };
  const failure = await failureOf(operations.tokenize(repeatable(bob), bob));
  assert.equal(failure.code, 'idempotency_mismatch');
  assert.equal(audit.events.at(-1)?.reason, 'idempotency_mismatch');
});

test('a key belongs to one caller, one route and one vault, for a day', async () => {
  const { operations, advance } = makeTestOperations(POLICY);
  const call = repeatable(ADA);
  const elsewhere = { ...call, idempotency: { key: 'key-1', route: 'other', body: '' } };
  const tokens = [
    await operations.tokenize(call, ADA),
    await operations.tokenize(repeatable(ADA, { subject: 'other' }), ADA),
    await operations.tokenize(repeatable(ADA, { issuer: 'https://other.test' }), ADA),
    await operations.tokenize(repeatable(ADA, {}, 'key-2'), ADA),
    await operations.tokenize(elsewhere, ADA),
  ];
  advance(DAY_MS);
  tokens.push(await operations.tokenize(call, ADA));
  assert.equal(new Set(tokens.map(({ output }) => output.token)).size, tokens.length);
});

test('what was right at first is not checked again by its time', async () => {
  const { operations, advance } = makeTestOperations(POLICY);
  const input = { ...ADA, expiresAt: '2026-01-15T13:00:00Z' };
  const first = await operations.tokenize(repeatable(input), input);
  advance(2 * 3_600_000);
  const again = await operations.tokenize(repeatable(input), input);
  assert.deepEqual(again.output, first.output);
});

test('a repeat is authorized anew', async () => {
  const { operations } = makeTestOperations(
    policyOf({ name: { type: 'text', token: {} } }, { none: [{ allow: ['policy.read'] }] }),
  );
  await operations.tokenize(repeatable(ADA), ADA);
  const failure = await failureOf(operations.tokenize(repeatable(ADA, { roles: ['none'] }), ADA));
  assert.equal(failure.code, 'forbidden');
});

test('a call that failed can be sent again, corrected, under its key', async () => {
  const { operations } = makeTestOperations(POLICY);
  const wrong = { ...ADA, value: '' };
  assert.equal(
    (await failureOf(operations.tokenize(repeatable(wrong), wrong))).code,
    'value_invalid',
  );
  assert.ok((await operations.tokenize(repeatable(ADA), ADA)).output.token);
});

test('each item of a batch keeps its token; those that failed are tried again', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const input = { items: [ADA, ADA, { ...ADA, value: 'Bob' }] };
  const { insert } = deps.tokens;
  let inserts = 0;
  deps.tokens.insert = (row) => {
    inserts += 1;
    return inserts === 2 ? Promise.reject(new Error('cut off')) : insert(row);
  };
  const first = await operations.tokenizeBatch(repeatable(input), input);
  const [one, failed, three] = first.output.items;
  assert.ok(failed !== undefined && 'error' in failed);
  const again = await operations.tokenizeBatch(repeatable(input), input);
  assert.deepEqual([again.output.items[0], again.output.items[2]], [one, three]);
  const tokens = again.output.items.map((item) => 'token' in item && item.token);
  assert.equal(new Set(tokens).size, 3);
  const other = { items: [ADA] };
  await assert.rejects(operations.tokenizeBatch(repeatable(other), other), {
    code: 'idempotency_mismatch',
  });
  const longer = { items: [ADA, ADA, { ...ADA, value: 'Bob' }, ADA] };
  await assert.rejects(operations.tokenizeBatch(repeatable(longer), longer), {
    code: 'idempotency_mismatch',
  });
  assert.equal(inserts, 4, 'and nothing of them was stored');
});

test('what the first call left is looked for once for each item', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const { findAnswer } = deps.tokens;
  let looks = 0;
  deps.tokens.findAnswer = (call) => {
    looks += 1;
    return findAnswer(call);
  };
  const input = { items: [ADA, ADA, ADA] };
  await operations.tokenizeBatch(repeatable(input), input);
  assert.equal(looks, 3);
});

test('a key changes nothing where equal values have equal tokens anyway', async () => {
  const { operations } = makeTestOperations(POLICY);
  for (const field of ['email', 'note']) {
    const [ada, eve] = ['ada@example.com', 'eve@example.com'].map((value) => ({ field, value }));
    assert.ok(ada && eve);
    const first = await operations.tokenize(repeatable(ada), ada);
    const other = await operations.tokenize(repeatable(eve), eve);
    const again = await operations.tokenize(repeatable(ada), ada);
    assert.equal(again.output.token, first.output.token);
    assert.notEqual(other.output.token, first.output.token);
  }
});

test('a volatile field refuses the key: its answer would be stored', async () => {
  const { operations } = makeTestOperations(POLICY);
  const input = { field: 'code', value: '123' };
  const failure = await failureOf(operations.tokenize(repeatable(input), input));
  assert.equal(failure.code, 'invalid_request');
  assert.deepEqual(failure.problems, [{ path: 'Idempotency-Key', rule: 'not_supported' }]);
});
