import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { policyOf } from '../../test/helpers/policies.ts';

const purpose = 'support-ticket';
const issue = async (
  { operations }: ReturnType<typeof makeTestOperations>,
  field: string,
  value: string,
) => (await operations.tokenize(callAs('app'), { field, value })).output.token;

test('who may not see a view is told the views that they may see', async () => {
  const world = makeTestOperations();
  const token = await issue(world, 'pan', '4111111111111111');
  for (const view of ['full', 'year', 'never-declared']) {
    const refusal = await failureOf(
      world.operations.detokenize(callAs('support'), { token, view, purpose }),
    );
    assert.equal(refusal.code, 'view_not_granted');
    assert.deepEqual(refusal.problems, [
      { path: '/view', rule: 'not_granted', hint: 'last4, masked' },
    ]);
  }
});

test('other refusals tell nothing', async () => {
  const world = makeTestOperations();
  const token = await issue(world, 'ssn', '123-45-6789');
  const refusal = await failureOf(
    world.operations.detokenize(callAs('support'), { token, view: 'last4', purpose }),
  );
  assert.deepEqual([refusal.code, refusal.problems], ['token_not_found', []]);
});

test('hash and range are views like any other: equal values join, and nothing more is seen', async () => {
  const field = {
    type: 'integer',
    token: {},
    views: { key: { mask: 'hash' }, decade: { mask: 'range', width: 10 } },
  };
  const { operations } = makeTestOperations(policyOf({ age: field, alter: field }));
  const show = async (name: string, value: string, view: string) => {
    const { token } = (await operations.tokenize(callAs('all'), { field: name, value })).output;
    const ask = { token, view, purpose: 'care' };
    return (await operations.detokenize(callAs('all'), ask)).output.value;
  };
  assert.equal(await show('age', '34', 'decade'), '30..39');
  const key = await show('age', '34', 'key');
  assert.match(key, /^[\w-]{22}$/);
  assert.equal(await show('alter', '34', 'key'), key);
  assert.notEqual(await show('age', '35', 'key'), key);
});
