import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';
import { VaultError } from '../domain/errors.ts';

const POLICY = policyOf(
  {
    cvv: { type: 'pattern', pattern: '[0-9]{3,4}', token: { mode: 'volatile', prefix: 'cvv' } },
    short: {
      type: 'text',
      token: { mode: 'volatile', prefix: 'sht' },
      retention: { ttl: '5m', maxReveals: 2 },
    },
    name: { type: 'text', token: { mode: 'random', prefix: 'nam' } },
  },
  { names: [{ allow: ['detokenize', 'token.inspect'], fields: ['name'], views: '*' }] },
);
const CVV = { field: 'cvv', value: '123' };
const HOUR_MS = 3_600_000;

test('a volatile value comes back, and no store of tokens has heard of it', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  deps.tokens.insert = () => Promise.reject(new Error('nothing may be stored'));
  const { output } = await operations.tokenize(allCall, CVV);
  assert.match(output.token, /^cvv_[0-9a-z]{26}$/);
  const { output: back } = await operations.detokenize(allCall, output);
  assert.deepEqual(back, { value: '123', field: 'cvv', view: 'full' });
});

test('it is gone after an hour, or earlier where policy or caller say so', async () => {
  const { operations, advance } = makeTestOperations(POLICY);
  const far = { expiresAt: '2030-01-01T00:00:00Z' };
  const cases = [
    { input: CVV, endsAt: '2026-01-15T13:00:00.000Z' },
    { input: { ...CVV, ...far }, endsAt: '2026-01-15T13:00:00.000Z' },
    { input: { ...CVV, expiresAt: '2026-01-15T12:30:00Z' }, endsAt: '2026-01-15T12:30:00.000Z' },
    { input: { field: 'short', value: 'x', ...far }, endsAt: '2026-01-15T12:05:00.000Z' },
  ];
  const tokens: { token: string }[] = [];
  for (const { input, endsAt } of cases) {
    const { output } = await operations.tokenize(allCall, input);
    const { output: facts } = await operations.inspect(allCall, output);
    assert.deepEqual(facts, {
      field: input.field,
      createdAt: '2026-01-15T12:00:00.000Z',
      expiresAt: endsAt,
    });
    tokens.push(output);
  }
  advance(HOUR_MS);
  for (const token of tokens) {
    assert.equal((await failureOf(operations.detokenize(allCall, token))).code, 'token_not_found');
  }
});

test('its metadata comes back on inspection', async () => {
  const { operations } = makeTestOperations(POLICY);
  const metadata = { order: 'A-17' };
  const { output } = await operations.tokenize(allCall, { ...CVV, metadata });
  assert.deepEqual((await operations.inspect(allCall, output)).output.metadata, metadata);
});

test('revoking it ends it at once, and once', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, CVV);
  const tokens = [output.token, output.token];
  assert.deepEqual((await operations.revoke(allCall, { tokens })).output, { revoked: 1 });
  assert.equal((await failureOf(operations.detokenize(allCall, output))).code, 'token_not_found');
});

test('its reveals are limited, whoever races', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, { field: 'short', value: 'once' });
  const reveals = await Promise.allSettled(
    Array.from({ length: 12 }, () => operations.detokenize(allCall, output)),
  );
  assert.equal(reveals.filter(({ status }) => status === 'fulfilled').length, 2);
});

test('a person cannot own it: erasing them would not reach it', async () => {
  const { operations } = makeTestOperations(POLICY);
  const failure = await failureOf(operations.tokenize(allCall, { ...CVV, subject: 'person-1' }));
  assert.equal(failure.code, 'value_invalid');
  assert.deepEqual(failure.problems, [{ path: '/subject', rule: 'volatile' }]);
});

test('it cannot be found by its value', async () => {
  const { operations } = makeTestOperations(POLICY);
  const failure = await failureOf(operations.lookup(allCall, CVV));
  assert.deepEqual(failure.problems, [{ path: '/field', rule: 'not_deterministic' }]);
});

test('a row that its store changed opens for nobody, and one from the past has ended', async () => {
  const { operations, deps, vault } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, CVV);
  const { output: other } = await operations.tokenize(allCall, { ...CVV, value: '999' });
  const row = await deps.volatile.find({ vaultId: vault.id, token: output.token });
  const swapped = await deps.volatile.find({ vaultId: vault.id, token: other.token });
  assert.ok(row && swapped);
  const nameId = vault.fieldIds.get('name') ?? 0;
  const altered = [
    { ...row, expiresAtMs: row.expiresAtMs + HOUR_MS },
    { ...row, createdAtMs: row.createdAtMs - 1 },
    { ...row, fieldId: nameId },
    swapped,
  ];
  for (const found of altered) {
    deps.volatile.find = async () => found;
    for (const work of [
      operations.detokenize(allCall, output),
      operations.inspect(allCall, output),
    ]) {
      assert.equal((await failureOf(work)).code, 'internal');
    }
  }
  deps.volatile.find = async () => ({ ...row, expiresAtMs: row.createdAtMs });
  assert.equal((await failureOf(operations.detokenize(allCall, output))).code, 'token_not_found');
});

test('without a grant it is like one that never was', async () => {
  const { operations, slept } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, CVV);
  const refused = await failureOf(operations.detokenize(callAs('names'), output));
  const missing = await failureOf(
    operations.detokenize(callAs('names'), { token: `cvv_${'0'.repeat(26)}` }),
  );
  assert.deepEqual([refused.code, refused.problems], [missing.code, missing.problems]);
  assert.equal(slept.length, 2);
});

test('its store is asked for tokens of its own form only, and is not needed for any other', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const { output: name } = await operations.tokenize(allCall, { field: 'name', value: 'Ada' });
  const { output: cvv } = await operations.tokenize(allCall, CVV);
  deps.volatile.find = () => Promise.reject(new VaultError('store_unavailable'));
  assert.equal((await operations.detokenize(allCall, name)).output.value, 'Ada');
  const outcomes = [
    { ask: { token: `nam_${'0'.repeat(26)}` }, code: 'token_not_found' },
    { ask: cvv, code: 'store_unavailable' },
    { ask: { ...cvv, field: 'name' }, code: 'token_not_found' },
  ];
  for (const { ask, code } of outcomes) {
    assert.equal((await failureOf(operations.detokenize(allCall, ask))).code, code);
  }
});
