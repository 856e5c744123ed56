import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callAs, makeTestOperations } from '../../test/helpers/operations.ts';
import { VaultError } from '../domain/errors.ts';

const email = (name: string) => ({ field: 'email', value: `${name}@example.com` });

it('looks for the values of a batch together, and gives each its token in its place', async () => {
  const { deps, operations } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, email('ada'))).output;
  const asked: number[] = [];
  const { reads } = deps;
  deps.reads = {
    ...reads,
    findByFingerprint: () => assert.fail('asked for one'),
    findAllByFingerprint: (keys, notes) => {
      asked.push(keys.length);
      return reads.findAllByFingerprint(keys, notes);
    },
  };
  const items = [email('new'), { field: 'email', value: 'no address' }, email('ada'), email('new')];
  const { output } = await operations.tokenizeBatch(app, { items });
  const tokens = output.items.map((item) => ('token' in item ? item.token : item.error.code));
  assert.deepEqual(asked, [3]);
  assert.equal(tokens[1], 'value_invalid');
  assert.equal(tokens[2], token);
  assert.equal(tokens[3], tokens[0]);
  assert.notEqual(tokens[0], token);
});

it('fails those items of a batch that need the store when it cannot be asked, and says why of the others', async () => {
  const { deps, operations } = makeTestOperations();
  deps.reads = {
    ...deps.reads,
    findAllByFingerprint: async () => {
      throw new VaultError('store_unavailable');
    },
  };
  const items = [email('ada'), { field: 'email', value: 'no address' }, email('bob')];
  const { output } = await operations.tokenizeBatch(callAs('app'), { items });
  assert.deepEqual(
    output.items.map((item) => 'error' in item && item.error.code),
    ['store_unavailable', 'value_invalid', 'store_unavailable'],
  );
});

it('gives the token of a known value where a cache has a row that does not open', async () => {
  const { deps, operations } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, email('ada'))).output;
  const { reads } = deps;
  deps.reads = {
    ...reads,
    findAllByFingerprint: async (keys, notes) =>
      (await reads.findAllByFingerprint(keys, notes)).map((row) => {
        if (row === undefined) return undefined;
        const sealed = Buffer.from(row.sealed);
        sealed.writeUInt8(sealed.readUInt8(40) ^ 1, 40);
        return { ...row, sealed };
      }),
  };
  const { output } = await operations.tokenizeBatch(app, { items: [email('ada'), email('bob')] });
  const [first, second] = output.items;
  assert.deepEqual(first, { token });
  assert.ok(second !== undefined && 'token' in second);
});
