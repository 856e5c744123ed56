import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';

const POLICY = policyOf(
  {
    once: { type: 'text', token: { mode: 'random' }, retention: { maxReveals: 1 } },
    thrice: {
      type: 'email',
      token: { mode: 'deterministic' },
      views: { masked: { mask: 'email' }, joined: { mask: 'hash' } },
      retention: { maxReveals: 3 },
    },
    name: { type: 'text', token: { mode: 'random' }, views: { joined: { mask: 'hash' } } },
    pin: { type: 'digits', length: 6, token: { mode: 'random', format: 'digits' } },
  },
  {
    masks: [{ allow: ['detokenize'], fields: ['thrice'], views: ['masked'] }],
    limited: [
      {
        allow: ['detokenize'],
        fields: '*',
        views: ['full'],
        budget: { tokens: 3, per: '1h' },
      },
    ],
  },
);
const ADA = { field: 'thrice', value: 'ada@example.com' };
const isFulfilled = ({ status }: PromiseSettledResult<unknown>) => status === 'fulfilled';

test('a one-time token is revealed once, whoever races, and then is like one that never was', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, { field: 'once', value: 'secret' });
  const reveals = await Promise.allSettled(
    Array.from({ length: 16 }, () => operations.detokenize(allCall, output)),
  );
  assert.equal(reveals.filter(isFulfilled).length, 1);
  for (const work of [
    operations.detokenize(allCall, output),
    operations.inspect(allCall, output),
  ]) {
    assert.equal((await failureOf(work)).code, 'token_not_found');
  }
  assert.deepEqual((await operations.revoke(allCall, { tokens: [output.token] })).output, {
    revoked: 0,
  });
});

test('a token is revealed exactly as often as its field says, however many ask at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.nat(12), async (maxReveals, callers) => {
      const field = { type: 'text', token: {}, retention: { maxReveals } };
      const { operations } = makeTestOperations(policyOf({ field }));
      const { output } = await operations.tokenize(allCall, { field: 'field', value: 'x' });
      const reveals = await Promise.allSettled(
        Array.from({ length: callers }, () => operations.detokenize(allCall, output)),
      );
      assert.equal(reveals.filter(isFulfilled).length, Math.min(callers, maxReveals));
    }),
    { numRuns: 25 },
  );
});

test('a batch takes reveals item by item', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  const tokens = Array.from({ length: 5 }, () => output.token);
  const { output: batch } = await operations.detokenizeBatch(allCall, { tokens });
  assert.equal(batch.items.filter((item) => 'value' in item).length, 3);
});

test('every view takes a reveal; what is refused takes none', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  const masks = callAs('masks');
  for (let tries = 0; tries < 5; tries += 1) {
    const refused = await failureOf(operations.detokenize(masks, { ...output, view: 'full' }));
    assert.equal(refused.code, 'view_not_granted');
    await operations.inspect(allCall, output);
  }
  const masked = { ...output, view: 'masked' };
  assert.equal((await operations.detokenize(masks, masked)).output.value, 'a•••@example.com');
  await operations.detokenize(allCall, { ...output, view: 'joined' });
  await operations.detokenize(allCall, output);
  assert.equal((await failureOf(operations.detokenize(allCall, output))).code, 'token_not_found');
});

test('the reveal is taken before the value is opened', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  const { takeReveal } = deps.tokens;
  deps.tokens.takeReveal = async (key) => {
    await takeReveal(key);
    throw new Error('the process dies here');
  };
  await failureOf(operations.detokenize(allCall, output));
  deps.tokens.takeReveal = takeReveal;
  const reveals = await Promise.allSettled(
    Array.from({ length: 5 }, () => operations.detokenize(allCall, output)),
  );
  assert.equal(reveals.filter(isFulfilled).length, 2);
});

test('a known value whose token is used up gets a new one', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, ADA);
  assert.deepEqual((await operations.tokenize(allCall, ADA)).output, output);
  for (let reveal = 0; reveal < 3; reveal += 1) await operations.detokenize(allCall, output);
  const { output: next } = await operations.tokenize(allCall, ADA);
  assert.notEqual(next.token, output.token);
  assert.equal((await operations.detokenize(allCall, next)).output.value, ADA.value);
});

test('the hash view joins equal values of two fields, and shows neither', async () => {
  const { operations } = makeTestOperations(POLICY);
  const shown: string[] = [];
  for (const field of ['thrice', 'name']) {
    const { output } = await operations.tokenize(allCall, { ...ADA, field });
    const { output: joined } = await operations.detokenize(allCall, { ...output, view: 'joined' });
    shown.push(joined.value);
  }
  assert.match(shown[0] ?? '', /^[\w-]{22}$/);
  assert.equal(shown[0], shown[1]);
});

test('a budget is spent on reveals only, item by item, and comes back with its window', async () => {
  const { operations, advance } = makeTestOperations(POLICY);
  const limited = callAs('limited');
  const { output } = await operations.tokenize(allCall, { field: 'name', value: 'Ada' });
  await failureOf(operations.detokenize(limited, { token: 'tok_never' }));
  await failureOf(operations.detokenize(limited, { ...output, view: 'joined' }));
  const tokens = Array.from({ length: 5 }, () => output.token);
  const { output: batch } = await operations.detokenizeBatch(limited, { tokens });
  assert.equal(batch.items.filter((item) => 'value' in item).length, 3);
  assert.equal((await failureOf(operations.detokenize(limited, output))).code, 'budget_exhausted');
  advance(3_600_000);
  assert.equal((await operations.detokenize(limited, output)).output.value, 'Ada');
});

test('what a budget refuses uses up no reveal', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, { field: 'once', value: 'secret' });
  const { spend } = deps.budgets;
  deps.budgets.spend = async () => {
    throw new (await import('../domain/errors.ts')).VaultError('budget_exhausted');
  };
  const failure = await failureOf(operations.detokenize(callAs('limited'), output));
  assert.equal(failure.code, 'budget_exhausted');
  deps.budgets.spend = spend;
  assert.equal((await operations.detokenize(callAs('limited'), output)).output.value, 'secret');
});

test('a string of a small format is never issued again: it leaves a tombstone when it ends', async () => {
  const { operations, deps, vault, cipher } = makeTestOperations(POLICY);
  const { revoke } = deps.tokens;
  const ended: (Buffer | undefined)[] = [];
  deps.tokens.revoke = (key) => {
    ended.push(key.tombstone);
    return revoke(key);
  };
  const { output } = await operations.tokenize(allCall, { field: 'pin', value: '123456' });
  const { output: name } = await operations.tokenize(allCall, { field: 'name', value: 'Ada' });
  await operations.revoke(allCall, { tokens: [output.token, name.token] });
  assert.deepEqual(ended, [cipher.digests.tombstone(output.token), undefined]);
  const pin = vault.policy.fields.get('pin');
  assert.ok(pin);
  const { spaceOf } = pin.token.format;
  pin.token.format.spaceOf = (value) => ({ ...spaceOf(value), draw: () => output.token });
  const failure = await failureOf(operations.tokenize(allCall, { field: 'pin', value: '654321' }));
  assert.equal(failure.code, 'token_space_exhausted');
});

test('no token is the value that it stands for', async () => {
  const { operations, vault } = makeTestOperations(POLICY);
  const pin = vault.policy.fields.get('pin');
  assert.ok(pin);
  const { spaceOf } = pin.token.format;
  const draws = ['123456', undefined, '777777'];
  pin.token.format.spaceOf = (value) => ({ ...spaceOf(value), draw: () => draws.shift() });
  const { output } = await operations.tokenize(allCall, { field: 'pin', value: '123456' });
  assert.equal(output.token, '777777');
});
