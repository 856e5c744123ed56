import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';
import type { ImportItem, ItemError, TokenizeOutput } from './operation.ts';

const POLICY = policyOf({
  name: { type: 'text', token: { mode: 'random' } },
  email: { type: 'email', token: { mode: 'deterministic' } },
  owned: { type: 'email', token: { mode: 'deterministic', scope: 'subject' } },
  pan: { type: 'card', token: { mode: 'deterministic', format: 'card' } },
  code: { type: 'digits', length: 3, token: { mode: 'volatile', prefix: 'cvv' } },
  note: { type: 'text', token: { mode: 'siv', prefix: 'note' } },
});
const ADA = { field: 'email', value: 'Ada@EXAMPLE.com', token: 'legacy/0001' };

type Operations = ReturnType<typeof makeTestOperations>['operations'];

/** The fates of items imported together: the token, or the code of the error. */
async function fatesOf(operations: Operations, ...items: ImportItem[]): Promise<string[]> {
  const { output } = await operations.importTokens(allCall, { items });
  return output.items.map(fateOf);
}

const fateOf = (item: TokenizeOutput | ItemError) =>
  'error' in item ? item.error.code : item.token;

test('an imported token comes back as its value, and is the token of that value', async () => {
  const { operations } = makeTestOperations(POLICY);
  assert.deepEqual(await fatesOf(operations, ADA), [ADA.token]);
  const { output: back } = await operations.detokenize(allCall, { token: ADA.token });
  assert.deepEqual(back, { value: 'Ada@example.com', field: 'email', view: 'full' });
  const known = { field: 'email', value: 'Ada@example.com' };
  assert.equal((await operations.lookup(allCall, known)).output.token, ADA.token);
  assert.equal((await operations.tokenize(allCall, known)).output.token, ADA.token);
});

test('the same pair again is the same success; any other pair is a conflict', async () => {
  const { operations } = makeTestOperations(POLICY);
  const name = { field: 'name', value: 'Ada', token: 'n-1' };
  assert.deepEqual(await fatesOf(operations, ADA, name), [ADA.token, 'n-1']);
  assert.deepEqual(await fatesOf(operations, ADA, name), [ADA.token, 'n-1']);
  const conflicts = [
    { ...ADA, token: 'legacy/0002' },
    { ...ADA, value: 'bob@example.com' },
    { ...ADA, field: 'name' },
    { ...name, value: 'Bob' },
    { ...name, field: 'email', value: 'eve@example.com' },
  ];
  const expected = conflicts.map(() => 'token_conflict');
  assert.deepEqual(await fatesOf(operations, ...conflicts), expected);
  const { output } = await operations.detokenize(allCall, { token: 'n-1' });
  assert.equal(output.value, 'Ada');
  assert.deepEqual(await fatesOf(operations, { ...name, token: 'n-2' }), ['n-2']);
});

test('a value that the vault has a token for keeps that one', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, { field: 'email', value: ADA.value });
  assert.deepEqual(await fatesOf(operations, ADA), ['token_conflict']);
  assert.deepEqual(await fatesOf(operations, { ...ADA, ...output }), [output.token]);
});

test('one token cannot stand for one value of two persons where they are kept apart', async () => {
  const { operations } = makeTestOperations(POLICY);
  const owned = { ...ADA, field: 'owned', subject: 'person-1' };
  assert.deepEqual(await fatesOf(operations, owned), [ADA.token]);
  assert.deepEqual(await fatesOf(operations, { ...owned, subject: 'person-2' }), [
    'token_conflict',
  ]);
});

test('a revoked or expired token is not imported again, and its value is free', async () => {
  const { operations, advance } = makeTestOperations(POLICY);
  await fatesOf(operations, ADA);
  await operations.revoke(allCall, { tokens: [ADA.token] });
  assert.deepEqual(await fatesOf(operations, ADA), ['token_conflict']);
  const short = { ...ADA, token: 'short', expiresAt: '2026-01-15T13:00:00Z' };
  assert.deepEqual(await fatesOf(operations, short), ['short']);
  advance(3_600_000);
  assert.deepEqual(await fatesOf(operations, { ...ADA, token: 'short' }), ['token_conflict']);
  assert.deepEqual(await fatesOf(operations, { ...ADA, token: 'next' }), ['next']);
});

test('a token that could be taken for a value or for a token of another mode is refused', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output: siv } = await operations.tokenize(allCall, { field: 'note', value: 'x' });
  const forms = ['', '~alias', 'two words', 'ünicode', 'a\u0000', 'x'.repeat(257), siv.token];
  const items = [...forms, `cvv_${'0'.repeat(26)}`].map((token) => ({ ...ADA, token }));
  const cards = ['4111111111111111', '5500 0000 0000 0004', '5500-0000-0000-0004'].map((token) => ({
    field: 'pan',
    value: '4012888888881881',
    token,
  }));
  const itself = { ...ADA, token: 'Ada@Example.COM' };
  const all = [...items, ...cards, itself];
  const expected = all.map(() => 'value_invalid');
  assert.deepEqual(await fatesOf(operations, ...all), expected);
  const longest = { ...ADA, token: 'x'.repeat(256) };
  assert.deepEqual(await fatesOf(operations, longest), [longest.token]);
  assert.deepEqual(
    await fatesOf(operations, {
      field: 'pan',
      value: '4012888888881881',
      token: '4111111111111112',
    }),
    ['4111111111111112'],
  );
});

test('only fields that store tokens take some over', async () => {
  const { operations } = makeTestOperations(POLICY);
  const items = [
    { field: 'code', value: '123', token: 'a' },
    { field: 'note', value: 'text', token: 'b' },
    { field: 'shoe', value: '44', token: 'c' },
  ];
  const expected = ['value_invalid', 'value_invalid', 'field_unknown'];
  assert.deepEqual(await fatesOf(operations, ...items), expected);
});

test('an imported value has an owner, metadata and an end like any other', async () => {
  const { operations, deps, vault, cipher } = makeTestOperations(POLICY);
  const item = {
    field: 'name',
    value: 'Ada',
    token: 'n-1',
    subject: 'person-1',
    metadata: { order: 'A-17' },
    expiresAt: '2026-02-01T00:00:00Z',
  };
  await fatesOf(operations, item);
  const { output } = await operations.inspect(allCall, { token: 'n-1' });
  assert.deepEqual(output, {
    field: 'name',
    createdAt: '2026-01-15T12:00:00.000Z',
    expiresAt: '2026-02-01T00:00:00.000Z',
    metadata: { order: 'A-17' },
  });
  const digest = cipher.subjectDigest('person-1');
  const found = await deps.tokens.findOfSubject({ vaultId: vault.id, digest, limit: 9 });
  assert.deepEqual(found, ['n-1']);
});

test('a value that people share is linked to each; one that is sealed for somebody is not', async () => {
  const { operations, deps, vault, cipher } = makeTestOperations(POLICY);
  const name = { field: 'name', value: 'Ada', token: 'n-1' };
  for (const [subject, fates] of [
    ['person-1', [ADA.token, 'n-1']],
    ['person-2', [ADA.token, 'token_conflict']],
    [undefined, [ADA.token, 'n-1']],
  ] as const) {
    assert.deepEqual(await fatesOf(operations, { ...ADA, subject }, { ...name, subject }), fates);
  }
  for (const [person, tokens] of [
    ['person-1', [ADA.token, 'n-1']],
    ['person-2', [ADA.token]],
  ] as const) {
    const digest = cipher.subjectDigest(person);
    const found = await deps.tokens.findOfSubject({ vaultId: vault.id, digest, limit: 9 });
    assert.deepEqual(found, tokens);
  }
});

test('every fate of an import is on record, and no token of others in clear', async () => {
  const { operations, audit } = makeTestOperations(POLICY);
  await fatesOf(operations, ADA, { ...ADA, token: 'other' }, { ...ADA, value: 'nobody' });
  const events = audit.events.slice(-3);
  assert.deepEqual(
    events.map(({ operation, items, reason, what }) => [operation, items, reason, what.fields]),
    [
      ['token.import', 1, undefined, ['email']],
      ['token.import', 1, 'token_conflict', ['email']],
      ['token.import', 1, 'value_invalid', ['email']],
    ],
  );
  assert.match(events[0]?.what.tokens?.[0] ?? '', /^hmac:/);
});

test('whoever may not import a field is told so', async () => {
  const { operations } = makeTestOperations(POLICY);
  const stranger = { ...allCall, principal: { ...allCall.principal, roles: ['nobody'] } };
  const failure = await failureOf(operations.importTokens(stranger, { items: [ADA] }));
  assert.equal(failure.code, 'vault_not_found');
});
