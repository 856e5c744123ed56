import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callAs, makeTestOperations } from '../../test/helpers/operations.ts';
import type { ReadNotes } from './ports/token-reads.ts';
import type { StoredToken } from './ports/token-store.ts';

const VALUE = 'ada@example.com';

/** Operations with one token, which a cache has with one bit flipped until it is told to forget it. */
async function openWithAltered() {
  const { deps, operations, tokens } = makeTestOperations();
  const tokenize = () => operations.tokenize(callAs('app'), { field: 'email', value: VALUE });
  const { token } = (await tokenize()).output;
  const forgotten: string[] = [];
  const altered = (row: StoredToken | undefined, { isFresh, cached }: ReadNotes) => {
    if (row === undefined || isFresh) return row;
    cached.push({ ...row, vaultId: 1, untilMs: Number.MAX_SAFE_INTEGER });
    const sealed = Buffer.from(row.sealed);
    sealed.writeUInt8(sealed.readUInt8(40) ^ 1, 40);
    return { ...row, sealed };
  };
  deps.reads = {
    ...deps.reads,
    find: async (key, notes) => altered(await tokens.find(key), notes),
    findByFingerprint: async (key, notes) => altered(await tokens.findByFingerprint(key), notes),
    forget: (keys) => forgotten.push(...keys.map((key) => key.token)),
  };
  return { operations, tokenize, token, forgotten };
}

it('reveals what the store has where a cache has a row that does not open', async () => {
  const { operations, token, forgotten } = await openWithAltered();
  const ask = { token, view: 'masked', purpose: 'support-ticket' };
  const { output } = await operations.detokenize(callAs('support'), ask);
  assert.equal(output.value, 'a•••@example.com');
  assert.deepEqual(forgotten, [token]);
});

it('does so for each item of a batch', async () => {
  const { operations, token } = await openWithAltered();
  const ask = { tokens: [token, token], view: 'masked', purpose: 'support-ticket' };
  const { output } = await operations.detokenizeBatch(callAs('support'), ask);
  assert.deepEqual(
    output.items.map((item) => 'value' in item && item.value),
    ['a•••@example.com', 'a•••@example.com'],
  );
});

it('knows a value again where a cache has a row that does not open', async () => {
  const { operations, tokenize, token, forgotten } = await openWithAltered();
  assert.equal((await tokenize()).output.token, token);
  const found = await operations.lookup(callAs('app'), { field: 'email', value: VALUE });
  assert.equal(found.output.token, token);
  assert.deepEqual(forgotten, [token, token]);
});
