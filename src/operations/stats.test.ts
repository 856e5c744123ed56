import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';

test('each field of the policy is told, with what the store counted', async () => {
  const { operations, deps, vault } = makeTestOperations();
  const id = (name: string) => vault.fieldIds.get(name) ?? 0;
  deps.search.usage = async () => [
    { fieldId: id('pan'), used: 600, spaces: 2, fullest: 450 },
    { fieldId: id('name'), used: 7, spaces: 0, fullest: 0 },
    { fieldId: 999, used: 1, spaces: 1, fullest: 1 },
  ];
  const { output } = await operations.stats(callAs('auditor'), {});
  const byName = new Map(output.fields.map(({ field, ...rest }) => [field, rest]));
  assert.deepEqual([...byName.keys()], [...vault.policy.fields.keys()]);
  const opaque = { format: 'opaque', capacity: String(2n ** 130n) };
  assert.deepEqual(byName.get('pan'), {
    mode: 'deterministic',
    format: 'card',
    capacity: '900000',
    used: 600,
    fullest: { used: 450, ratio: 0.0005 },
    spaces: 2,
  });
  assert.deepEqual(byName.get('name'), { mode: 'random', ...opaque, used: 7 });
  assert.deepEqual(byName.get('note'), { mode: 'siv', ...opaque });
  assert.deepEqual(byName.get('cvv'), { mode: 'volatile', ...opaque });
  assert.deepEqual(byName.get('ssn')?.fullest, { used: 0, ratio: 0 });
});

test('asking needs policy.read, and is on record either way', async () => {
  const { operations, audit } = makeTestOperations();
  await operations.stats(callAs('operator'), {});
  const refused = await failureOf(operations.stats(callAs('support'), {}));
  assert.equal(refused.code, 'forbidden');
  const strange = await failureOf(operations.stats(callAs('stranger'), {}));
  assert.equal(strange.code, 'vault_not_found');
  const seen = audit.events.map(({ operation, outcome }) => `${operation} ${outcome}`);
  assert.deepEqual(seen, ['policy.read allow', 'policy.read deny', 'policy.read deny']);
});

test('one count at a time: who asks meanwhile is told to come back', async () => {
  const { operations, deps } = makeTestOperations();
  let finish = () => {};
  deps.search.usage = async () => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    return [];
  };
  const first = operations.stats(callAs('auditor'), {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await failureOf(operations.stats(callAs('auditor'), {}))).code, 'overloaded');
  finish();
  await first;
});
