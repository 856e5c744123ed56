import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';

const POLICY = policyOf(
  {
    loyalty: {
      type: 'digits',
      length: [12, 19],
      token: { mode: 'fpe', format: 'digits', keepLast: 4 },
      views: { last4: { mask: 'keep', last: 4 } },
    },
    member: { type: 'digits', length: [12, 19], token: { mode: 'fpe', format: 'digits' } },
    note: { type: 'text', token: { mode: 'siv', prefix: 'note' } },
    remark: { type: 'text', token: { mode: 'siv', prefix: 'note' } },
    name: { type: 'text', token: { mode: 'random' } },
  },
  { half: [{ allow: ['detokenize', 'token.inspect'], fields: ['remark', 'member'], views: '*' }] },
);
const LOYALTY = { field: 'loyalty', value: '123456789012' };
const NOTE = { field: 'note', value: 'Likes tea.\0 Ünïcode \u{1f375}' };

test('a computed token comes back as its value, and nothing is stored for it', async () => {
  const { operations, deps } = makeTestOperations(POLICY);
  const touched: string[] = [];
  for (const name of ['insert', 'ensureSubject', 'import'] as const) {
    deps.tokens[name] = async () => {
      touched.push(name);
      throw new Error('nothing may be stored');
    };
  }
  for (const input of [LOYALTY, NOTE]) {
    const { output } = await operations.tokenize(allCall, input);
    const ask = { token: output.token, field: input.field };
    const { output: back } = await operations.detokenize(allCall, ask);
    assert.deepEqual(back, { value: input.value, field: input.field, view: 'full' });
    const { output: again } = await operations.tokenize(allCall, input);
    assert.equal(again.token, output.token);
  }
  assert.deepEqual(touched, []);
});

test('lookup computes the same token', async () => {
  const { operations } = makeTestOperations(POLICY);
  for (const input of [LOYALTY, NOTE]) {
    const { output } = await operations.tokenize(allCall, input);
    assert.deepEqual((await operations.lookup(allCall, input)).output, output);
  }
});

test('a token of FF1 keeps what the policy keeps, and is one only where its field is named', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, LOYALTY);
  assert.match(output.token, /^[0-9]{8}9012$/);
  const masked = await operations.detokenize(allCall, {
    ...output,
    field: 'loyalty',
    view: 'last4',
  });
  assert.equal(masked.output.value, '••••••••9012');
  for (const field of [undefined, 'name', 'note']) {
    const failure = await failureOf(operations.detokenize(allCall, { ...output, field }));
    assert.equal(failure.code, 'token_not_found');
  }
  for (const token of ['', '12345', '12345678901a', '١٢٣٤٥٦٧٨٩٠١٢']) {
    const failure = await failureOf(operations.detokenize(allCall, { token, field: 'loyalty' }));
    assert.equal(failure.code, 'token_not_found');
  }
});

test('two fields of one vault are two permutations', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, { ...LOYALTY, field: 'member' });
  const { output: other } = await operations.tokenize(allCall, LOYALTY);
  assert.notEqual(output.token.slice(0, 8), other.token.slice(0, 8));
});

test('a token of AES-SIV is recognised without its field, and opens for that field only', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output } = await operations.tokenize(allCall, NOTE);
  assert.match(output.token, /^note~1\.[\w-]+$/);
  assert.equal((await operations.detokenize(allCall, output)).output.field, 'note');
  const changed = `${output.token.slice(0, -2)}${output.token.endsWith('AA') ? 'Q' : 'A'}A`;
  const missing = [
    { ...output, field: 'remark' },
    { ...output, field: 'name' },
    { token: changed },
    { token: output.token.replace('note~', 'nope~') },
    { token: output.token.replace('~1.', '~2.') },
  ];
  for (const ask of missing) {
    assert.equal((await failureOf(operations.detokenize(allCall, ask))).code, 'token_not_found');
  }
});

test('without a grant on its field a computed token is like one that never was', async () => {
  const { operations, slept } = makeTestOperations(POLICY);
  const half = callAs('half');
  const { output: note } = await operations.tokenize(allCall, NOTE);
  const { output: loyalty } = await operations.tokenize(allCall, LOYALTY);
  const asks = [
    note,
    { token: 'note~1.AAAAAAAAAAAAAAAAAAAAAAAA' },
    { ...loyalty, field: 'loyalty' },
    { token: '000000000000', field: 'loyalty' },
  ];
  const failures = await Promise.all(
    asks.map((ask) => failureOf(operations.detokenize(half, ask))),
  );
  assert.deepEqual(
    failures.map(({ code, problems }) => [code, problems]),
    asks.map(() => ['token_not_found', []]),
  );
  assert.equal(slept.length, asks.length, 'each answer waits for the grid');
});

test('what would have to be stored beside the value is refused by its path', async () => {
  const { operations } = makeTestOperations(POLICY);
  const more = { subject: 'person-1', metadata: { a: 1 }, expiresAt: '2030-01-01T00:00:00Z' };
  const problems = ['/subject', '/metadata', '/expiresAt'].map((path) => ({
    path,
    rule: 'vaultless',
  }));
  for (const input of [LOYALTY, NOTE]) {
    const failure = await failureOf(operations.tokenize(allCall, { ...input, ...more }));
    assert.equal(failure.code, 'value_invalid');
    assert.deepEqual(failure.problems, problems);
    const asked = await failureOf(operations.lookup(allCall, { ...input, subject: 'person-1' }));
    assert.deepEqual(asked.problems, [{ path: '/subject', rule: 'vaultless' }]);
    const brought = { ...input, token: 'legacy-1' };
    const { output } = await operations.importTokens(allCall, {
      items: [brought, { ...brought, field: 'name' }],
    });
    assert.ok(output.items[0] && 'error' in output.items[0]);
    assert.equal(output.items[0].error.code, 'value_invalid');
  }
});

test('inspection says of a computed token that nothing is known, to those who may ask', async () => {
  const { operations } = makeTestOperations(POLICY);
  const { output: note } = await operations.tokenize(allCall, NOTE);
  const { output: loyalty } = await operations.tokenize(allCall, LOYALTY);
  const granted = await failureOf(operations.inspect(allCall, note));
  assert.equal(granted.code, 'value_invalid');
  assert.deepEqual(granted.problems, [{ path: '/token', rule: 'vaultless' }]);
  for (const [call, ask] of [
    [callAs('half'), note],
    [allCall, loyalty],
  ] as const) {
    assert.equal((await failureOf(operations.inspect(call, ask))).code, 'token_not_found');
  }
});

test('revoking a computed token ends nothing, and says no more than of a missing one', async () => {
  const { operations, audit, slept } = makeTestOperations(POLICY);
  const { output: note } = await operations.tokenize(allCall, NOTE);
  const { output: name } = await operations.tokenize(allCall, { field: 'name', value: 'Ada' });
  const tokens = [note.token, name.token, 'note~1.AAAAAAAAAAAAAAAAAAAAAAAA'];
  const { output } = await operations.revoke(allCall, { tokens });
  assert.deepEqual(output, { revoked: 1 });
  assert.equal(slept.length, 1);
  const [ended, missing] = audit.events.slice(-2);
  assert.deepEqual([ended?.items, ended?.outcome], [1, 'allow']);
  assert.deepEqual([missing?.items, missing?.reason], [2, 'token_not_found']);
  assert.equal((await operations.detokenize(allCall, note)).output.value, NOTE.value);
});
