import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';

const POLICY = policyOf({
  email: { type: 'email', token: { mode: 'deterministic' } },
  name: { type: 'text', token: { mode: 'random' } },
});
const ADA = { field: 'email', value: 'ada@example.com' };

type Service = ReturnType<typeof makeTestOperations>;

const personOf = ({ vault, cipher }: Service, subject: string) => ({
  vaultId: vault.id,
  digest: cipher.subjectDigest(subject),
});

/** Erases a person from the store, as an erasure that runs beside the call under test does. */
async function erase(service: Service, subject: string): Promise<void> {
  const { deps, cipher } = service;
  const { tombstone } = cipher.digests;
  await deps.people.erase({ ...personOf(service, subject), atMs: deps.clock.now(), tombstone });
}

const tokensOf = (service: Service, subject: string) =>
  service.deps.tokens.findOfSubject({ ...personOf(service, subject), limit: 9 });

test('a value that two people share lives until the second one is erased', async () => {
  const service = makeTestOperations(POLICY);
  const { operations } = service;
  const { output } = await operations.tokenize(allCall, { ...ADA, subject: 'a' });
  assert.deepEqual((await operations.tokenize(allCall, { ...ADA, subject: 'b' })).output, output);
  await erase(service, 'a');
  assert.equal((await operations.detokenize(allCall, output)).output.value, ADA.value);
  await erase(service, 'b');
  await assert.rejects(operations.detokenize(allCall, output), { code: 'token_not_found' });
});

test('a person who is erased while a value of theirs is stored has it all the same', async () => {
  for (const input of [ADA, { field: 'name', value: 'Ada' }]) {
    const service = makeTestOperations(POLICY);
    const { operations, deps } = service;
    const { insert } = deps.tokens;
    deps.tokens.insert = async (row) => {
      deps.tokens.insert = insert;
      await erase(service, 'a');
      return insert(row);
    };
    const { output } = await operations.tokenize(allCall, { ...input, subject: 'a' });
    assert.equal((await operations.detokenize(allCall, output)).output.value, input.value);
    assert.deepEqual(await tokensOf(service, 'a'), [output.token]);
  }
});

test('the erasure of another person never leaves a new one with a dead token', async () => {
  const service = makeTestOperations(POLICY);
  const { operations, deps } = service;
  const { output: first } = await operations.tokenize(allCall, { ...ADA, subject: 'a' });
  const { link } = deps.tokens;
  deps.tokens.link = async (row) => {
    deps.tokens.link = link;
    await erase(service, 'a');
    await link(row);
  };
  const { output } = await operations.tokenize(allCall, { ...ADA, subject: 'b' });
  assert.notEqual(output.token, first.token);
  assert.equal((await operations.detokenize(allCall, output)).output.value, ADA.value);
  assert.deepEqual(await tokensOf(service, 'b'), [output.token]);
});

test('an import meets the same races', async () => {
  const service = makeTestOperations(POLICY);
  const { operations, deps } = service;
  const item = { ...ADA, token: 'legacy-1', subject: 'a' };
  const store = deps.tokens.import;
  deps.tokens.import = async (row) => {
    deps.tokens.import = store;
    await erase(service, 'a');
    return store(row);
  };
  const { output } = await operations.importTokens(allCall, { items: [item] });
  assert.deepEqual(output.items, [{ token: 'legacy-1' }]);
  assert.deepEqual(await tokensOf(service, 'a'), ['legacy-1']);
});

test('64 callers who race for one value get one token', async () => {
  const { operations } = makeTestOperations(POLICY);
  const calls = Array.from({ length: 64 }, (_, index) =>
    operations.tokenize(allCall, { ...ADA, ...(index % 2 === 0 ? { subject: `s-${index}` } : {}) }),
  );
  const tokens = (await Promise.all(calls)).map(({ output }) => output.token);
  assert.equal(new Set(tokens).size, 1);
});
