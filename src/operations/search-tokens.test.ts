import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';

const POLICY = policyOf(
  {
    name: { type: 'text', token: { mode: 'random', prefix: 'nam' } },
    email: { type: 'email', token: { mode: 'deterministic', prefix: 'eml' } },
  },
  {
    names: [{ allow: ['token.search'], fields: ['name'] }],
    nothing: [{ allow: ['tokenize'], fields: '*' }],
  },
);
const MINUTE_MS = 60_000;

/** Five names and one e-mail address, a minute apart, the even ones of region `eu`. */
async function makeSearched() {
  const service = makeTestOperations(POLICY);
  const tokens: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    const metadata = { region: index % 2 === 0 ? 'eu' : 'us', index, isNew: index > 2, deep: [1] };
    const input = { field: 'name', value: `Person ${index}`, metadata };
    tokens.push((await service.operations.tokenize(allCall, input)).output.token);
    service.advance(MINUTE_MS);
  }
  const email = { field: 'email', value: 'ada@example.com', metadata: { region: 'eu' } };
  tokens.push((await service.operations.tokenize(allCall, email)).output.token);
  return { ...service, tokens };
}

const tokensOf = ({ output }: { output: { items: { token: string }[] } }) =>
  output.items.map(({ token }) => token);

test('tokens are found by tags and time, newest first, without values or metadata', async () => {
  const { operations, tokens } = await makeSearched();
  const all = await operations.search(allCall, {});
  assert.deepEqual(tokensOf(all), tokens.toReversed());
  assert.deepEqual(all.output.items[0], {
    token: tokens[5],
    field: 'email',
    createdAt: '2026-01-15T12:05:00.000Z',
  });
  const [first, second, third, fourth, , email] = tokens;
  const searches = [
    { ask: { tags: { region: 'us' } }, found: [fourth, second] },
    { ask: { tags: { region: 'eu', index: 2 } }, found: [third] },
    { ask: { tags: { isNew: true, region: 'us' } }, found: [fourth] },
    { ask: { tags: { index: '2' } }, found: [] },
    { ask: { field: 'email', tags: { region: 'eu' } }, found: [email] },
    { ask: { to: '2026-01-15T12:01:00Z' }, found: [first] },
    { ask: { from: '2026-01-15T12:01:00Z', to: '2026-01-15T12:03:00Z' }, found: [third, second] },
  ];
  for (const { ask, found } of searches) {
    assert.deepEqual(tokensOf(await operations.search(allCall, ask)), found);
  }
});

test('pages follow each other without gaps; a cursor is of one search of one caller', async () => {
  const { operations, tokens } = await makeSearched();
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await operations.search(allCall, { limit: 2, cursor });
    seen.push(...tokensOf(page));
    cursor = page.output.cursor;
    if (cursor === undefined) break;
    const others = [
      operations.search(allCall, { limit: 2, cursor, tags: { region: 'eu' } }),
      operations.search(callAs('all', { subject: 'other' }), { limit: 2, cursor }),
      operations.search(allCall, { limit: 2, cursor: `${cursor}x` }),
    ];
    for (const other of others) assert.equal((await failureOf(other)).code, 'invalid_request');
  } while (seen.length < 10);
  assert.deepEqual(seen, tokens.toReversed());
});

test('only fields that the caller may search are looked at', async () => {
  const { operations, tokens } = await makeSearched();
  const names = callAs('names');
  assert.deepEqual(tokensOf(await operations.search(names, {})), tokens.slice(0, 5).toReversed());
  const refusals = [
    [operations.search(names, { field: 'email' }), 'forbidden'],
    [operations.search(names, { field: 'shoe' }), 'field_unknown'],
    [operations.search(callAs('nothing'), {}), 'forbidden'],
    [operations.search(names, { from: '2026-02-30T00:00:00Z' }), 'invalid_request'],
  ] as const;
  for (const [work, code] of refusals) assert.equal((await failureOf(work)).code, code);
});

test('ended tokens are not found', async () => {
  const { operations, tokens } = await makeSearched();
  await operations.revoke(allCall, { tokens: tokens.slice(1) });
  assert.deepEqual(tokensOf(await operations.search(allCall, {})), tokens.slice(0, 1));
});

test('a search is on record with what it found and what it asked, tags as digests', async () => {
  const { operations, audit, tokens } = await makeSearched();
  await operations.search(allCall, { tags: { region: 'us' }, from: '2026-01-15T12:00:00Z' });
  const found = audit.events.at(-1);
  assert.equal(found?.operation, 'token.search');
  assert.equal(found?.items, 2);
  assert.deepEqual(found?.what.tokens, [tokens[3], tokens[1]]);
  assert.deepEqual(found?.what.fields, ['name']);
  assert.equal(found?.what.query?.['from'], '2026-01-15T12:00:00Z');
  assert.equal(JSON.stringify(found).includes('region'), false);
  await operations.search(allCall, { tags: { region: 'mars' } });
  const nothing = audit.events.at(-1);
  assert.deepEqual(
    [nothing?.items, nothing?.outcome, nothing?.what.tokens],
    [0, 'allow', undefined],
  );
});

test('a token has at most 32 tags; longer texts and nested members are no tags', async () => {
  const { operations } = await makeSearched();
  const tags = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, index]));
  const long = 'x'.repeat(257);
  const metadata = { ...tags(32), long, nested: { a: 1 }, list: [1], nothing: null };
  const input = { field: 'name', value: 'Ada', metadata };
  const { output } = await operations.tokenize(allCall, input);
  const found = await operations.search(allCall, { tags: { t31: 31 } });
  assert.deepEqual(tokensOf(found), [output.token]);
  assert.deepEqual(tokensOf(await operations.search(allCall, { tags: { long } })), []);
  const failure = await failureOf(operations.tokenize(allCall, { ...input, metadata: tags(33) }));
  assert.deepEqual(failure.problems, [{ path: '/metadata', rule: 'too_many_tags' }]);
});
