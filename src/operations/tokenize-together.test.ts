import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callAs, makeTestOperations } from '../../test/helpers/operations.ts';
import { longestTurnOf } from '../../test/helpers/turns.ts';
import { makeTokenReads } from '../adapters/cache/token-reads.ts';
import { VaultError } from '../domain/errors.ts';
import type { Settled } from '../domain/soon.ts';
import type { StoredToken } from './ports/token-store.ts';
import type { OperationDeps } from './steps/deps.ts';

type Row = Settled<StoredToken | undefined>;

/** Changes what comes of looking values up together. */
function alterLookUps(deps: OperationDeps, alter: (settled: Row, index: number) => Row): void {
  const { reads } = deps;
  deps.reads = {
    ...reads,
    findAllByFingerprint: async (keys, notes) =>
      (await reads.findAllByFingerprint(keys, notes)).map(alter),
  };
}

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

it('fails those items of a batch alone whose values cannot be looked for', async () => {
  const { deps, operations } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, email('ada'))).output;
  alterLookUps(deps, (settled, index) =>
    index === 1 ? { error: new VaultError('store_unavailable') } : settled,
  );
  const invalid = { field: 'email', value: 'no address' };
  const items = [email('ada'), invalid, email('bob'), email('cid')];
  const { output } = await operations.tokenizeBatch(app, { items });
  const [first, ...others] = output.items;
  assert.deepEqual(first, { token });
  assert.deepEqual(
    others.map((item) => ('error' in item ? item.error.code : 'token')),
    ['value_invalid', 'store_unavailable', 'token'],
  );
});

it('gives the tokens that memory has while the store is down', async () => {
  const { deps, operations, tokens } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, email('ada'))).output;
  const state = { isDown: false };
  const findByFingerprint: typeof tokens.findByFingerprint = async (key) => {
    if (state.isDown) throw new VaultError('store_unavailable');
    return tokens.findByFingerprint(key);
  };
  const store = { ...tokens, findByFingerprint };
  deps.reads = makeTokenReads({ store, clock: deps.clock, maxBytes: 1024 * 1024 });
  const items = [email('bob'), email('ada')];
  await operations.tokenizeBatch(app, { items: [email('ada')] });
  state.isDown = true;
  const { output } = await operations.tokenizeBatch(app, { items });
  const [failed, known] = output.items;
  assert.ok(failed !== undefined && 'error' in failed);
  assert.equal(failed.error.code, 'store_unavailable');
  assert.deepEqual(known, { token });
});

it('looks once for a known value that another person has as well, and links it to both', async () => {
  const { deps, operations, tokens } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, { ...email('ada'), subject: 'p-1' })).output;
  const { reads } = deps;
  deps.reads = { ...reads, findByFingerprint: () => assert.fail('looked for it again') };
  const links: string[] = [];
  deps.tokens = {
    ...tokens,
    link: (link) => {
      links.push(link.token);
      return tokens.link(link);
    },
  };
  const items = [{ ...email('ada'), subject: 'p-2' }];
  const { output } = await operations.tokenizeBatch(app, { items });
  assert.deepEqual(output.items, [{ token }]);
  assert.deepEqual(links, [token]);
});

it('gives the token of a known value where a cache has a row that does not open, also to another person', async () => {
  const { deps, operations } = makeTestOperations();
  const app = callAs('app');
  const { token } = (await operations.tokenize(app, email('ada'))).output;
  alterLookUps(deps, (settled) => {
    if ('error' in settled || settled.done === undefined) return settled;
    const sealed = Buffer.from(settled.done.sealed);
    sealed.writeUInt8(sealed.readUInt8(40) ^ 1, 40);
    return { done: { ...settled.done, sealed } };
  });
  const items = [email('ada'), { ...email('ada'), subject: 'p-1' }, email('bob')];
  const { output } = await operations.tokenizeBatch(app, { items });
  const [first, second, third] = output.items;
  assert.deepEqual([first, second], [{ token }, { token }]);
  assert.ok(third !== undefined && 'token' in third);
});

it('takes no longer turns for looking for values first', async () => {
  const { deps, operations } = makeTestOperations();
  let nowMs = 0;
  // Time passes only with the items that are begun: one millisecond each.
  deps.clock.monotonic = () => {
    nowMs += 1;
    return nowMs;
  };
  const items = Array.from({ length: 18 }, (_, index) => email(`ada${index}`));
  const longestMs = await longestTurnOf(
    () => nowMs,
    () => operations.tokenizeBatch(callAs('app'), { items }),
  );
  assert.ok(longestMs <= 30, `${longestMs} ms`);
});
