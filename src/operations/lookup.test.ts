import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';

const POLICY = policyOf({
  email: { type: 'email', token: { mode: 'deterministic' }, retention: { maxReveals: 1 } },
  account: {
    type: 'text',
    token: { mode: 'deterministic', format: 'digits' },
  },
  owned: { type: 'text', token: { mode: 'deterministic', scope: 'subject' } },
  name: { type: 'text', token: { mode: 'random' } },
});
const ADA = { field: 'email', value: 'ada@EXAMPLE.com' };

test('the token of a known value is found, in whatever spelling', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  const spelt = { ...ADA, value: ' ada@example.com' };
  assert.deepEqual((await operations.lookup(allCall, spelt)).output, output);
});

test('an unknown value is not found, and asking makes no token of it', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  deps.tokens.insert = () => Promise.reject(new Error('nothing may be stored'));
  for (let tries = 0; tries < 2; tries += 1) {
    const failure = await failureOf(operations.lookup(allCall, ADA));
    assert.equal(failure.code, 'token_not_found');
  }
});

test('a value whose token has ended is unknown', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  await operations.detokenize(allCall, output);
  assert.equal((await failureOf(operations.lookup(allCall, ADA))).code, 'token_not_found');
});

test('a value of one person is not found for another where they are kept apart', async () => {
  const { operations } = makeTestOperations(POLICY);
  const owned = { field: 'owned', value: 'secret', subject: 'person-1' };
  const { output } = await operations.tokenize(allCall, owned);
  assert.deepEqual((await operations.lookup(allCall, owned)).output, output);
  const other = { ...owned, subject: 'person-2' };
  assert.equal((await failureOf(operations.lookup(allCall, other))).code, 'token_not_found');
  const { subject: _, ...nobodys } = owned;
  const failure = await failureOf(operations.lookup(allCall, nobodys));
  assert.deepEqual(failure.problems, [{ path: '/subject', rule: 'scope_needs_subject' }]);
});

test('a value that can have no token, or none that can be found, is refused', async () => {
  const { operations } = makeTestOperations(POLICY);
  const unfit = await failureOf(operations.lookup(allCall, { field: 'account', value: 'x-y' }));
  assert.equal(unfit.code, 'value_invalid');
  const random = await failureOf(operations.lookup(allCall, { field: 'name', value: 'Ada' }));
  assert.deepEqual(random.problems, [{ path: '/field', rule: 'not_deterministic' }]);
});
